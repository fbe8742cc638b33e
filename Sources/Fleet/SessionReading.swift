internal import Pooling

/// PostgreSQL's list of sessions and the fleet's board, as one query has read them.
struct SessionReading {
    /// A control connection of the fleet.
    struct Control {
        var processID: UInt32
        var name: BoardName
        var address: String
        var version: String
        /// How long ago it has done anything, by the server's clock.
        var age: Nanoseconds
        /// When that was, as the server says it.
        var lastChange: String
        /// Seconds, by the server's clock; infinite where this role must not see it.
        var startedAt: Double
    }

    /// The fleet's control connections.
    private(set) var controls: [Control] = []
    /// The fleet's sessions, control connections left out.
    private(set) var sessions = 0
    /// Of those, the ones that are connections of the process.
    private(set) var ownListed = 0
    private(set) var board = Board(entries: [], budget: 0, sessions: nil)
    private(set) var isOtherInGate = false

    /// One query, so that list and board are of one moment. `$1`: the fleet's roles; `$2`: the
    /// role of control connections; `$3`: the process's own sessions.
    ///
    /// `backend_type` is hidden from a role that has no right to see it; such sessions count, as
    /// they may be anything.
    static let query = """
        WITH list AS MATERIALIZED (
            SELECT pid, application_name, query, client_addr, state_change, backend_start,
                usename = ANY ($1::text[]) AS is_ours, pid = ANY ($3::int[]) AS is_own,
                usename = $2 AND datname = current_database()
                    AND application_name LIKE 'weir %' AS is_control
            FROM pg_stat_activity
            WHERE coalesce(backend_type, 'client backend') = 'client backend'
        )
        SELECT pid, application_name, query, host(client_addr),
            extract(epoch FROM clock_timestamp() - state_change), extract(epoch FROM backend_start),
            state_change
        FROM list WHERE is_control
        UNION ALL
        SELECT NULL, NULL, NULL, NULL, count(*), count(*) FILTER (WHERE is_own), NULL
        FROM list WHERE is_ours AND is_control IS NOT TRUE
        """

    /// What a query begins with, so that others of the same role can see who asks.
    static func comment(version: String, address: String) -> String {
        "/* weir \(version) \(address) */ "
    }

    init(_ rows: ControlConnection.Rows, fleet: UInt64) {
        for row in rows where row.count == 7 {
            guard let processID = row[0].flatMap({ UInt32($0) }) else {
                self.sessions = row[4].flatMap { Int($0) } ?? 0
                self.ownListed = row[5].flatMap { Int($0) } ?? 0
                continue
            }
            guard let name = row[1].flatMap({ BoardName($0) }), name.fleet == fleet else {
                continue
            }
            let (version, address) = Self.words(in: row[2] ?? "", host: row[3])
            self.controls.append(
                Control(
                    processID: processID,
                    name: name,
                    address: address,
                    version: version,
                    age: Int64((row[4].flatMap { Double($0) } ?? 0) * 1e9),
                    lastChange: row[6] ?? "",
                    startedAt: row[5].flatMap { Double($0) } ?? .infinity
                )
            )
        }
    }

    /// Version and address, from the comment of a query. An address without a host is the one that
    /// the control connection comes from.
    private static func words(in query: String, host: String?) -> (String, String) {
        let words = query.split(separator: " ", maxSplits: 4, omittingEmptySubsequences: false)
        guard words.count == 5, words[0] == "/*", words[1] == "weir" else { return ("", "") }
        let address = String(words[3])
        guard address.hasPrefix(":"), let host else { return (String(words[2]), address) }
        return (String(words[2]), (host.contains(":") ? "[\(host)]" : host) + address)
    }

    /// Draws the conclusions.
    ///
    /// - Parameters:
    ///   - own: the session that has asked.
    ///   - budget: the process's own; the smallest of all counts.
    ///   - silent: members whose connections are to be ended.
    mutating func conclude(own: UInt32, budget: Int, silent: Int) {
        let living = self.controls
        let inGate = living.first { $0.name.pass != nil }
        self.isOtherInGate = living.contains { $0.name.pass != nil && $0.processID != own }
        self.board = Board(
            entries: living.map(\.name.entry),
            budget: living.reduce(budget) { min($0, $1.name.budget) },
            sessions: self.sessions,
            gate: inGate?.name.pass
        )
        self.board.silent = silent
    }

    /// What a member that has the gate is told.
    func count(deaths: Int?, heldAt: Instant) -> FleetCount {
        FleetCount(
            sessions: self.sessions,
            ownListed: self.ownListed,
            deaths: deaths,
            isOtherInGate: self.isOtherInGate,
            board: self.board,
            heldAt: heldAt
        )
    }

    /// The members, for people.
    func rows(now: Instant) -> [FleetRow] {
        self.controls.map { control in
            FleetRow(
                entry: control.name.entry,
                node: control.name.node,
                address: control.address,
                version: control.version,
                lastSeen: now - control.age
            )
        }
    }
}
