/// etcd's "no", as its JSON gateway says it: one way for an answer, another inside a stream.
struct EtcdRefusal: Decodable, Error {
    /// gRPC's number for the kind of error.
    var code: Int
    /// etcd's words.
    var text: String

    private enum CodingKeys: String, CodingKey {
        case code, message, error
        case streamCode = "grpc_code"
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let code = try container.decodeIfPresent(Int.self, forKey: .code)
        self.code = try code ?? container.decodeIfPresent(Int.self, forKey: .streamCode) ?? 2
        let text = try container.decodeIfPresent(String.self, forKey: .message)
        self.text = try text ?? container.decode(String.self, forKey: .error)
    }

    /// What it means, said by an endpoint.
    func error(at endpoint: String) -> EtcdError {
        let text = "etcd at \(endpoint): \(self.text)"
        // Cancelled, no answer in time, not available: a member without a leader, for one.
        let isUncertain = [1, 4, 14].contains(self.code)
        return isUncertain ? .unanswered(text) : .refused(code: self.code, text)
    }
}
