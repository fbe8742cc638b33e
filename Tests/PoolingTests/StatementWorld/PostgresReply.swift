import TestSupport
import Wire

/// A message of the simulated PostgreSQL, with what only the simulation knows of it.
struct PostgresReply {
    /// Who says it.
    enum Origin {
        case server
        /// The pooler, in the place of a server that would have said it.
        case madeUp
        /// The pooler: what its client has asked for is refused.
        case refusal
        /// The pooler, to a client that has no server.
        case pooler
    }

    /// What a row shows: enough to tell whose it is.
    struct Row: Equatable {
        /// The text that was run.
        var text: String
        /// The settings by which that was parsed.
        var parsing: Int
        /// The columns.
        var shape: Int
        /// The value that was bound.
        var value: String
    }

    var kind: BackendKind
    /// The message that it answers; -1 for one of the pooler's own, or where nobody knows.
    var tag = -1
    /// The catalog's epoch when it was said.
    var epoch = 0
    var origin = Origin.server
    /// An error's code.
    var code = ""
    /// An error's message, or a command's tag.
    var text = ""
    var row: Row?
    /// Columns.
    var shape = 0
    var status = TransactionStatus.idle
    /// An error because the session's own copy of a statement is old or gone.
    var isOfCopy = false

    /// The body as it stands on the wire.
    var body: [UInt8] {
        switch self.kind {
        case .readyForQuery: [self.status.rawValue]
        case .error: Array("SERROR\0VERROR\0C\(self.code)\0M\(self.text)\0\0".utf8)
        case .commandComplete: Array("\(self.text)\0".utf8)
        case .parameterDescription: [0, 0]
        case .rowDescription:
            [0, 1] + Array("column \(self.shape)\0".utf8) + [UInt8](repeating: 0, count: 18)
        default: []
        }
    }
}

extension PostgresReply: CustomStringConvertible {
    var description: String {
        let what =
            switch self.kind {
            case .error: " \(self.code) \(self.text)"
            case .commandComplete: " \(self.text)"
            case .readyForQuery: " \(self.status)"
            case .rowDescription: " \(self.shape)"
            case .dataRow: " \(self.row.map { "\($0)" } ?? "")"
            default: ""
            }
        let origin = self.origin == .server ? "" : " (\(self.origin))"
        return "\(self.kind)\(what) #\(self.tag) @\(self.epoch)\(origin)"
    }
}
