internal import FoundationEssentials

/// A question for keys.
struct EtcdRange: Encodable, Sendable {
    /// In which order of creation the keys come.
    enum Order: String, Encodable {
        /// The oldest first.
        case oldestFirst = "ASCEND"
        /// The newest first.
        case newestFirst = "DESCEND"
    }

    private var key: Data
    private var end: Data?
    private var limit: EtcdNumber?
    private var order: Order?
    private var target: String?
    private var lastCreation: EtcdNumber?

    enum CodingKeys: String, CodingKey {
        case key, limit
        case end = "range_end"
        case order = "sort_order"
        case target = "sort_target"
        case lastCreation = "max_create_revision"
    }

    /// One key.
    static func key(_ key: String) -> EtcdRange { EtcdRange(key: Data(key.utf8)) }

    /// All keys that begin with `prefix`, which ends with a slash.
    static func all(_ prefix: String) -> EtcdRange {
        EtcdRange(key: Data(prefix.utf8), end: Data(prefix.dropLast().utf8) + [UInt8(ascii: "0")])
    }

    /// Of the keys that begin with `prefix`, one.
    ///
    /// - Parameter lastCreation: leaves out what was created after this revision.
    static func first(
        _ prefix: String,
        _ order: Order,
        createdUntil lastCreation: Int64? = nil
    ) -> EtcdRange {
        var range = self.all(prefix)
        range.limit = EtcdNumber(1)
        range.order = order
        range.target = "CREATE"
        range.lastCreation = lastCreation.map { EtcdNumber($0) }
        return range
    }
}
