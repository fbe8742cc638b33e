/// One answer of a stream of them, as etcd's JSON gateway wraps it.
struct EtcdStreamed<Answer: Decodable & Sendable>: Decodable, Sendable {
    /// What is inside.
    let answer: Answer

    private enum CodingKeys: String, CodingKey { case result, error }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        if let refusal = try container.decodeIfPresent(EtcdRefusal.self, forKey: .error) {
            throw refusal
        }
        self.answer = try container.decode(Answer.self, forKey: .result)
    }
}
