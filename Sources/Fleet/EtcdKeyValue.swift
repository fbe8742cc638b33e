internal import FoundationEssentials

/// A key with its value, as etcd answers.
struct EtcdKeyValue: Decodable, Sendable {
    /// The key's bytes; base64 in JSON, like all of them.
    var key: Data
    /// The value's bytes; missing where there are none.
    var value: Data?
    /// At which revision the key was created; missing for one that is deleted.
    var createRevision: EtcdNumber?
    /// At which revision it was last changed.
    var modRevision: EtcdNumber?

    enum CodingKeys: String, CodingKey {
        case key, value
        case createRevision = "create_revision"
        case modRevision = "mod_revision"
    }

    /// The value as a text.
    var text: String { self.value.map { String(decoding: $0, as: UTF8.self) } ?? "" }
}
