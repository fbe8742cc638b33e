import TestSupport

/// A message to PostgreSQL, read by the tests' own codec.
enum PostgresRequest {
    case parse(name: String, text: String)
    case bind(portal: String, name: String, values: [String], isBinary: Bool)
    case describeStatement(String)
    case describePortal(String)
    case execute(portal: String, limit: Int)
    case closeStatement(String)
    case closePortal(String)
    case query(String)
    case sync
    case flush
    case terminate

    init(_ message: RawMessage) {
        let body = message.body
        switch Character(Unicode.Scalar(message.kind)) {
        case "P":
            let parts = body.split(separator: 0, maxSplits: 2, omittingEmptySubsequences: false)
            self = .parse(name: Self.text(parts[0]), text: Self.text(parts[1]))
        case "B":
            let parts = body.split(separator: 0, maxSplits: 2, omittingEmptySubsequences: false)
            // No formats of values; the values; the formats of the results.
            let rest = Array(parts[2])
            let count = Self.number(rest[2..<4])
            var position = 4
            var values: [String] = []
            for _ in 0..<count {
                let start = position + 4
                let end = start + Self.number(rest[position..<start])
                values.append(Self.text(rest[start..<end]))
                position = end
            }
            self = .bind(
                portal: Self.text(parts[0]),
                name: Self.text(parts[1]),
                values: values,
                isBinary: Self.number(rest[position..<position + 2]) > 0
            )
        case "D":
            let name = Self.text(body.dropFirst().dropLast())
            self = body[0] == UInt8(ascii: "S") ? .describeStatement(name) : .describePortal(name)
        case "C":
            let name = Self.text(body.dropFirst().dropLast())
            self = body[0] == UInt8(ascii: "S") ? .closeStatement(name) : .closePortal(name)
        case "E":
            let limit = Self.number(body.suffix(4))
            self = .execute(portal: Self.text(body.dropLast(5)), limit: limit)
        case "Q": self = .query(Self.text(body.dropLast()))
        case "S": self = .sync
        case "H": self = .flush
        default: self = .terminate
        }
    }

    private static func text(_ bytes: some Collection<UInt8>) -> String {
        String(decoding: bytes, as: UTF8.self)
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> Int {
        bytes.reduce(0) { $0 << 8 | Int($1) }
    }

    /// Whether the unnamed statement is another one behind it, or gone.
    var changesUnnamed: Bool {
        switch self {
        case .parse(let name, _), .closeStatement(let name): name.isEmpty
        case .query: true
        default: false
        }
    }

    // MARK: As a client says it

    /// The message as it stands on the wire.
    var message: RawMessage {
        switch self {
        case .parse(let name, let text): RawMessage("P", "\(name)\0\(text)\0\0\0")
        case .bind(let portal, let name, let values, let isBinary):
            RawMessage(
                UInt8(ascii: "B"),
                Array("\(portal)\0\(name)\0\0\0".utf8) + [0, UInt8(values.count)]
                    + values.flatMap { RawMessage.int32($0.utf8.count) + Array($0.utf8) }
                    + (isBinary ? [0, 1, 0, 1] : [0, 0])
            )
        case .describeStatement(let name): RawMessage("D", "S\(name)\0")
        case .describePortal(let name): RawMessage("D", "P\(name)\0")
        case .execute(let portal, let limit):
            RawMessage(UInt8(ascii: "E"), Array("\(portal)\0".utf8) + RawMessage.int32(limit))
        case .closeStatement(let name): RawMessage("C", "S\(name)\0")
        case .closePortal(let name): RawMessage("C", "P\(name)\0")
        case .query(let text): RawMessage("Q", "\(text)\0")
        case .sync: RawMessage("S")
        case .flush: RawMessage("H")
        case .terminate: RawMessage("X")
        }
    }
}
