import TestSupport

/// One transaction as it stands on the wire: what a client sends and what PostgreSQL answers.
struct Exchange: Sendable {
    let request: [RawMessage]
    let reply: [RawMessage]
    /// A statement that the client prepares before the first transaction: the body of its Parse.
    var preparation: String?

    var requestBytes: [UInt8] { self.request.flatMap(\.bytes) }
    var replyBytes: [UInt8] { self.reply.flatMap(\.bytes) }

    /// A query as `pgbench -S` sends it.
    static let simple = Exchange(
        request: [RawMessage("Q", "\(Self.statement) WHERE aid = 4711;\0")],
        reply: [Self.columns] + [Self.row] + Self.end
    )

    /// The same query with its steps apart and the unnamed statement, as most drivers send it.
    static let extended = Exchange(
        request: [
            RawMessage("P", "\0\(Self.statement) WHERE aid = $1;\0\0\0"),
            RawMessage("B", "\0\0\0\0\0\u{1}\0\0\0\u{4}4711\0\0"),
            RawMessage("D", "P\0"),
            RawMessage("E", "\0\0\0\0\0"),
            RawMessage("S"),
        ],
        reply: [RawMessage("1"), RawMessage("2"), Self.columns] + [Self.row] + Self.end
    )

    /// The same query as a named statement, as `pgbench -M prepared -S` sends it.
    static let prepared = Exchange(
        request: [
            RawMessage("B", "\0P0_1\0\0\0\0\u{1}\0\0\0\u{4}4711\0\0"),
            RawMessage("D", "P\0"),
            RawMessage("E", "\0\0\0\0\0"),
            RawMessage("S"),
        ],
        reply: [RawMessage("2"), Self.columns] + [Self.row] + Self.end,
        preparation: "P0_1\0\(Self.statement) WHERE aid = $1;\0\0\0"
    )

    /// A query that returns 100 rows, which fit into one receive buffer.
    static let rows = Exchange(
        request: Self.simple.request,
        reply: [Self.columns] + Array(repeating: Self.row, count: 100) + Self.end
    )

    private static let statement = "SELECT abalance FROM pgbench_accounts"
    private static let columns = RawMessage(
        "T",
        "\0\u{1}abalance\0\0\0@\0\0\u{4}\0\0\0\u{17}\0\u{4}\0\0\0\0\0\0"
    )
    private static let row = RawMessage("D", "\0\u{1}\0\0\0\u{2}42")
    private static let end = [RawMessage("C", "SELECT 1\0"), RawMessage("Z", "I")]
}
