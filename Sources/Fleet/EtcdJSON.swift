internal import FoundationEssentials

/// JSON, with errors as etcd's.
enum EtcdJSON {
    /// A value as it is written under a key: in an order that does not change, for people.
    static func value(_ value: some Encodable) throws(EtcdError) -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return try encoder.encode(value)
        } catch {
            throw .unusable("etcd: a value cannot be written as JSON: \(error)")
        }
    }

    /// What an endpoint has answered.
    static func answer<Answer: Decodable>(
        _ bytes: some Collection<UInt8>,
        of endpoint: String
    ) throws(EtcdError) -> Answer {
        do {
            return try JSONDecoder().decode(Answer.self, from: Data(bytes))
        } catch let refusal as EtcdRefusal {
            throw refusal.error(at: endpoint)
        } catch {
            throw .unusable("etcd at \(endpoint): an answer that cannot be read: \(error)")
        }
    }
}
