/// What every answer of etcd's begins with.
struct EtcdHeader: Decodable, Sendable {
    /// The revision of etcd's keys; it grows with every change.
    var revision: Int64

    enum CodingKeys: String, CodingKey { case revision }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.revision =
            try container.decodeIfPresent(EtcdNumber.self, forKey: .revision)?.value ?? 0
    }
}
