internal import Pooling

/// Which sessions belong to a living process, where those of others are ended
/// (`budget_fence = terminate`).
///
/// PostgreSQL does not know whose a session is. So each control session *claims* those of its
/// process: it holds a shared advisory lock whose number is the session's process ID. All can see
/// that, on standbys too, and PostgreSQL lets go of the claims with the control session.
struct ControlFence {
    /// For how long nobody may have claimed a session, or a control session may have been silent.
    let silence: Nanoseconds
    private var claimed: Set<UInt32> = []
    /// Since when sessions have had no claim, by process ID and start.
    private var unclaimedSince: [Session: Instant] = [:]

    /// Since when control sessions have said nothing, by process ID, and what they said last.
    private var silentSince: [UInt32: (state: String, since: Instant)] = [:]

    private struct Session: Hashable {
        var processID: UInt32
        var startedAt: String
    }

    init(silence: Nanoseconds) { self.silence = silence }

    /// The control connection is another one: its claims have gone.
    mutating func forget() {
        self.claimed = []
        self.unclaimedSince = [:]
        self.silentSince = [:]
    }

    /// Notes when the control sessions have last done anything.
    mutating func look(at controls: [SessionReading.Control], now: Instant) {
        let known = self.silentSince
        self.silentSince = [:]
        for control in controls {
            let last = known[control.processID]
            let isSame = last?.state == control.lastChange
            self.silentSince[control.processID] =
                (control.lastChange, isSame ? last?.since ?? now : now)
        }
    }

    /// Whether a control session has been silent for too long: by PostgreSQL's clock, which can be
    /// set, and for several of the signs of life that it should have given by this process's own.
    func isSilent(_ control: SessionReading.Control, now: Instant) -> Bool {
        guard let last = self.silentSince[control.processID] else { return false }
        return control.age >= self.silence && now - last.since >= self.silence / 4
    }

    /// What the first number of a claim's lock is: no other lock of a control session has it.
    private static let space = 0x7765_6972

    /// The query that brings the claims to what the process has; it counts as a sign of life.
    mutating func claiming(_ own: [UInt32]) -> String {
        let own = Set(own)
        let (new, gone) = (own.subtracting(self.claimed), self.claimed.subtracting(own))
        self.claimed = own
        let takes = new.map { "pg_advisory_lock_shared(\(Self.space), \(Int32(bitPattern: $0)))" }
        let gives = gone.map {
            "pg_advisory_unlock_shared(\(Self.space), \(Int32(bitPattern: $0)))"
        }
        let calls = takes + gives
        return calls.isEmpty ? "SELECT" : "SELECT " + calls.joined(separator: ", ")
    }

    /// The fleet's sessions that nobody has claimed. `$1`: the fleet's roles; `$2`: the role of
    /// control connections.
    static let unclaimed = """
        SELECT pid, backend_start FROM pg_stat_activity AS session
        WHERE usename = ANY ($1::text[])
            AND coalesce(backend_type, 'client backend') = 'client backend'
            AND NOT (usename = $2 AND datname = current_database()
                AND application_name LIKE 'weir %')
            AND NOT EXISTS (
                SELECT FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 AND granted
                    AND classid = \(Self.space)::oid AND objid = session.pid::oid
                    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
            )
        """

    /// Notes what `unclaimed` has found.
    mutating func look(_ rows: ControlConnection.Rows, now: Instant) {
        let known = self.unclaimedSince
        self.unclaimedSince = [:]
        for row in rows {
            guard row.count == 2, let processID = row[0].flatMap({ UInt32($0) }) else { continue }
            let session = Session(processID: processID, startedAt: row[1] ?? "")
            self.unclaimedSince[session] = known[session] ?? now
        }
    }

    /// Sessions that nobody has claimed for long enough.
    ///
    /// - Parameter own: the process's own, claimed or not.
    func orphans(besides own: [UInt32], now: Instant) -> [UInt32] {
        self.unclaimedSince.filter { now - $0.value >= self.silence }.map(\.key.processID)
            .filter { !own.contains($0) }
    }

    /// The control sessions that claim anything.
    static let claiming = """
        SELECT DISTINCT pid FROM pg_locks
        WHERE locktype = 'advisory' AND objsubid = 2 AND granted AND classid = \(Self.space)::oid
        """

    /// Ends sessions: those that the control sessions `$1` have claimed, those, and `$2`. In this
    /// order, since the claims go with the control sessions.
    static let ending = """
        WITH claimed AS MATERIALIZED (
            SELECT 1 AS turn, objid::bigint::int AS pid FROM pg_locks
            WHERE locktype = 'advisory' AND objsubid = 2 AND granted
                AND classid = \(Self.space)::oid AND pid = ANY ($1::int[])
            UNION ALL SELECT 1, unnest($2::int[])
            UNION ALL SELECT 2, unnest($1::int[])
            ORDER BY turn
        )
        SELECT pg_terminate_backend(pid) FROM claimed
        """
}
