internal import FoundationEssentials

/// The wish to hear of the changes of one key.
struct EtcdWatch: Encodable, Sendable {
    private struct Creation: Encodable, Sendable {
        var key: Data
        var start: EtcdNumber

        enum CodingKeys: String, CodingKey {
            case key
            case start = "start_revision"
        }
    }

    /// What etcd says when there is something new.
    struct Answer: Decodable, Sendable {
        private struct Event: Decodable, Sendable {
            var type: String?
            var kv: EtcdKeyValue
        }

        private var header: EtcdHeader
        private var canceled: Bool?
        private var compacted: EtcdNumber?
        private var reason: String?
        private var events: [Event]?

        private enum CodingKeys: String, CodingKey {
            case header, canceled, events
            case compacted = "compact_revision"
            case reason = "cancel_reason"
        }

        /// etcd's revision.
        var revision: Int64 { self.header.revision }
        /// Whether etcd has forgotten what was to be heard of.
        var isForgotten: Bool { (self.compacted?.value ?? 0) > 0 }
        /// Why etcd says nothing more; nil if it does.
        var end: String? { self.canceled == true ? self.reason ?? "the watch has ended" : nil }
        /// What was written.
        var written: [EtcdKeyValue] {
            (self.events ?? []).filter { $0.type != "DELETE" }.map(\.kv)
        }
        /// Whether the key was deleted.
        var isDeletion: Bool { (self.events ?? []).contains { $0.type == "DELETE" } }
    }

    private var creation: Creation

    enum CodingKeys: String, CodingKey { case creation = "create_request" }

    /// Hears of what has happened to `key` since `revision`, that one included; 0 is now.
    init(_ key: String, from revision: Int64) {
        self.creation = Creation(key: Data(key.utf8), start: EtcdNumber(revision))
    }
}
