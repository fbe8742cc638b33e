/// What ties a client to its server, because it cannot be taken to another one.
public struct SessionKinds: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8

    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Channels that it listens on.
    public static let listens = SessionKinds(rawValue: 1)
    /// Advisory locks of the session.
    public static let locks = SessionKinds(rawValue: 2)
    /// Temporary tables and other objects of its own schema.
    public static let temporaries = SessionKinds(rawValue: 4)
    /// Cursors that outlive their transaction.
    public static let cursors = SessionKinds(rawValue: 8)
    /// Statements prepared by SQL.
    public static let statements = SessionKinds(rawValue: 16)
    /// Libraries that were loaded.
    public static let libraries = SessionKinds(rawValue: 32)
    /// Settings whose names nobody could see, and that the server lists nowhere.
    public static let settings = SessionKinds(rawValue: 64)
    /// The server has not answered what it holds.
    public static let unknown = SessionKinds(rawValue: 128)

    /// All that a server can be asked for.
    public static let askable: SessionKinds = [
        .listens, .locks, .temporaries, .cursors, .statements,
    ]

    private static let words: [(kind: SessionKinds, word: String)] = [
        (.listens, "listen"), (.locks, "advisory_lock"), (.temporaries, "temporary"),
        (.cursors, "cursor"), (.statements, "prepare"), (.libraries, "load"),
        (.settings, "settings"), (.unknown, "unknown"),
    ]

    /// Each kind by itself, with its word on the console.
    public static var all: [(kind: SessionKinds, word: String)] { Self.words }

    /// The kinds' words, separated by commas; empty for none.
    public var text: String {
        Self.words.filter { self.contains($0.kind) }.map(\.word).joined(separator: ",")
    }
}
