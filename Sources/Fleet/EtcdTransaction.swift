internal import FoundationEssentials

/// What etcd does all of or nothing of: at most 128 steps.
struct EtcdTransaction: Encodable, Sendable {
    /// Asks whether a key was created at a revision.
    private struct Condition: Encodable, Sendable {
        var target = "CREATE"
        var key: Data
        var revision: EtcdNumber

        enum CodingKeys: String, CodingKey {
            case target, key
            case revision = "create_revision"
        }
    }

    private struct Put: Encodable, Sendable {
        var key: Data
        var value: Data
        var lease: EtcdNumber
    }

    private struct Deletion: Encodable, Sendable {
        var key: Data
    }

    /// One step.
    struct Step: Encodable, Sendable {
        private var put: Put?
        private var range: EtcdRange?
        private var deletion: Deletion?

        enum CodingKeys: String, CodingKey {
            case put = "request_put"
            case range = "request_range"
            case deletion = "request_delete_range"
        }

        /// Writes a key that lives as long as the lease.
        static func put(_ key: String, _ value: Data, lease: Int64) -> Step {
            let lease = EtcdNumber(lease)
            return Step(put: Put(key: Data(key.utf8), value: value, lease: lease))
        }

        /// Reads keys.
        static func range(_ range: EtcdRange) -> Step { Step(range: range) }

        /// Deletes a key.
        static func delete(_ key: String) -> Step {
            Step(deletion: Deletion(key: Data(key.utf8)))
        }
    }

    /// What comes of it.
    struct Answer: Decodable, Sendable {
        private struct Reading: Decodable, Sendable {
            var keys: [EtcdKeyValue]?

            enum CodingKeys: String, CodingKey { case keys = "kvs" }
        }

        private struct StepAnswer: Decodable, Sendable {
            var range: Reading?

            enum CodingKeys: String, CodingKey { case range = "response_range" }
        }

        private var header: EtcdHeader
        private var responses: [StepAnswer]?

        /// The revision of etcd's keys at that moment.
        var revision: Int64 { self.header.revision }

        /// The keys that each range has found, in the order of the ranges.
        var ranges: [[EtcdKeyValue]] {
            (self.responses ?? []).compactMap { $0.range.map { $0.keys ?? [] } }
        }
    }

    private var compare: [Condition] = []
    private var success: [Step]
    private var failure: [Step] = []

    /// Does all of `steps`.
    init(_ steps: [Step]) { self.success = steps }

    /// Does `steps` if `key` is there since `revision` or, with 0, is not there; otherwise
    /// `others`.
    init(ifCreated key: String, at revision: Int64, _ steps: [Step], otherwise others: [Step]) {
        self.compare = [Condition(key: Data(key.utf8), revision: EtcdNumber(revision))]
        self.success = steps
        self.failure = others
    }
}
