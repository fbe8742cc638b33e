import Wire

/// What a client that has no server is answered at once.
extension StatementExchange {
    /// Whether a Parse needs no server: a server has accepted the same statement before.
    ///
    /// Only while nothing of the client's is under way. An answer at once is not only cheaper: a
    /// client whose program waits for it may be the one whose other connections have all servers in
    /// transactions (`pgbench -M prepared` does that), and none would ever come free.
    public static func parsesLocally(
        _ bytes: Span<UInt8>,
        name: Range<Int>,
        body: Range<Int>,
        pool: PoolID,
        _ client: inout ClientStatements,
        _ table: inout StatementTable
    ) -> Bool {
        let size = ClientStatements.size(ofName: name.count)
        guard !name.isEmpty, bytes.text(in: name) != nil, Self.isWhole(bytes, body),
            client.find(bytes, name).slot < 0, table.charge(size)
        else { return false }
        guard
            let statement = table.hold(bytes, in: body, pool: pool.index, parsing: client.parsing)
        else {
            table.refund(size)
            return false
        }
        guard table.entries[statement].isAccepted else {
            table.release(statement)
            table.refund(size)
            return false
        }
        let short = ClientStatements.clipped(name)
        let slot = client.open(bytes.copy(short), statement, change: 0)
        client.prepared(slot, shape: table.entries[statement].shape, isGuess: true)
        return true
    }

    /// A Close of a client that has no server needs none: it cannot fail.
    public static func closeLocally(
        _ bytes: Span<UInt8>,
        name: Range<Int>,
        _ client: inout ClientStatements,
        _ table: inout StatementTable
    ) {
        if name.isEmpty { client.unnamed.dropped(change: 0, ended: 0) }
        let found = client.find(bytes, name)
        if found.slot >= 0 { client.remove(found.slot, &table) }
    }
}
