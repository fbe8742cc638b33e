internal import Logging
internal import Pooling

/// What the thread of a `PostgresLedger` has: the control connection, and where it stands.
struct ControlSession {
    let context: LedgerContext
    let address: @Sendable () -> ControlAddress?
    private let controlReserve: Int
    var fence: ControlFence?
    /// The advisory lock, which is the fleet's name as a number.
    let gate: String
    let tag: UInt64
    let channel: String

    var connection: ControlConnection?
    private var isPrimary = false
    private var entry: BoardEntry
    /// The pass that waits for the gate.
    var entering: GatePass?
    /// The pass that has it.
    var pass: GatePass?
    /// When the gate is tried next, and how long after that again.
    var nextTry = Instant.min
    var tryPause = Self.firstTryPause
    /// Who the control connection logs in as.
    private var user = ""
    /// Which of the hosts is tried next.
    private var turn = 0
    private(set) var rows: [FleetRow] = []
    private(set) var serverVersion: Int?
    var nextHeartbeat = Instant.max

    init(
        _ context: LedgerContext,
        at address: @escaping @Sendable () -> ControlAddress?,
        controlReserve: Int,
        silence: Nanoseconds?
    ) {
        self.context = context
        self.address = address
        self.controlReserve = controlReserve
        self.fence = silence.map { ControlFence(silence: $0) }
        self.gate = "\(Int64(bitPattern: BoardName.hash("weir gate \(context.identity.fleet)")))"
        self.tag = BoardName.tag(of: context.identity.fleet)
        self.channel = "weir_\(self.tag)"
        self.entry = BoardEntry(member: context.identity.member, weight: 1, minimum: 0)
    }

    /// When there is something to do although nothing has come.
    var nextDeadline: Instant {
        let isEntering = self.entering != nil && self.connection != nil
        return isEntering ? min(self.nextTry, self.nextHeartbeat) : self.nextHeartbeat
    }

    /// What to poll for news; -1 without a connection.
    var descriptor: Int32 { self.connection?.descriptor ?? -1 }

    // MARK: Actions

    mutating func perform(_ action: FleetAction) {
        if action == .reconnect { return self.reconnect() }
        // Asked for before the connection was lost; its member has heard of that by now.
        guard let connection else { return }
        do throws(ControlConnection.Failure) {
            try self.perform(action, connection)
        } catch {
            self.lose(error.description)
        }
    }

    private mutating func perform(
        _ action: FleetAction,
        _ connection: ControlConnection
    ) throws(ControlConnection.Failure) {
        switch action {
        case .publish(let entry, let wakes):
            self.entry = entry
            try self.show(connection)
            if wakes { try self.wakeOthers(connection) }
        case .readBoard:
            let reading = try self.read(connection)
            self.context.report(.boardRead(reading.board))
        case .look:
            self.context.report(.looked(deaths: try self.deaths(connection)))
        case .enterGate(let pass):
            self.entering = pass
            self.nextTry = .min
            self.tryPause = Self.firstTryPause
        case .count:
            let sentAt = BootClock.now
            let reading = try self.read(connection)
            // Whatever is asked by this session is asked with the lock held.
            let heldAt = connection.countsDeaths ? BootClock.now : sentAt
            let count = reading.count(deaths: try self.deaths(connection), heldAt: heldAt)
            self.context.report(.counted(count, sentAt: sentAt))
        case .leaveGate:
            try self.leaveGate(connection)
        case .breakGate(let pass):
            try self.breakGate(pass, connection)
        case .terminateOrphans:
            try self.terminateOrphans(connection)
        case .goodbye:
            try self.wakeOthers(connection)
        case .reconnect, .permits, .end: break
        }
    }

    /// Reads the board for people.
    mutating func refresh() {
        guard let connection else { return }
        do throws(ControlConnection.Failure) {
            _ = try self.read(connection)
        } catch {
            self.lose(error.description)
        }
    }

    /// Something has come without being asked for: somebody's call, or the connection's end.
    mutating func heard() {
        guard let connection else { return }
        do throws(ControlConnection.Failure) {
            let senders = try connection.takeNotifications()
            if senders.contains(where: { $0 != connection.processID }) {
                self.context.report(.woken)
            }
        } catch {
            self.lose(error.description)
        }
    }

    /// Ends the connection, in an orderly way if nothing can be under way.
    mutating func leave() {
        if self.pass != nil { self.connection?.cutOff() }
        self.connection = nil
    }

    mutating func lose(_ reason: String) {
        self.leave()
        self.entering = nil
        self.pass = nil
        self.nextHeartbeat = .max
        self.rows = []
        self.context.report(.lost(reason))
    }

    // MARK: Connecting

    private mutating func reconnect() {
        self.leave()
        self.entering = nil
        self.pass = nil
        do throws(ControlConnection.Failure) {
            guard let address = self.address() else {
                throw ControlConnection.Failure(description: "nobody is known who could log in")
            }
            self.user = address.user
            // One host at a time: a silent one must not take the others' time as well.
            defer { if self.connection == nil { self.turn += 1 } }
            let connection = try ControlConnection(
                to: address.single(self.turn),
                name: self.name.text,
                deadline: BootClock.now + Self.connectTime
            )
            try self.prepare(connection)
            self.serverVersion = connection.serverVersion
            self.fence?.forget()
            try self.claim(connection)
            self.connection = connection
            if self.fence != nil { self.nextHeartbeat = BootClock.now + Self.heartbeat }
            self.context.report(.wakeUps(self.isPrimary))
            self.context.report(.back)
        } catch {
            self.lose(error.description)
        }
    }

    /// Sets the session up, and sees whether there is a place for it.
    private mutating func prepare(_ connection: ControlConnection) throws(ControlConnection.Failure)
    {
        // As far as this version of PostgreSQL has them.
        _ = try self.ask(
            connection,
            """
            SELECT set_config(s.name, v.value, false)
            FROM (VALUES ('statement_timeout', '10000'),
                ('idle_session_timeout', '0'), ('tcp_keepalives_idle', '5'),
                ('tcp_keepalives_interval', '2'), ('tcp_keepalives_count', '3'),
                ('client_connection_check_interval', '1000')) AS v (name, value)
            JOIN pg_settings AS s USING (name)
            """
        )
        let rows = try self.list(connection).controls.sorted { $0.startedAt < $1.startedAt }
        for row in rows
        where row.name.entry.member == self.entry.member && row.processID != connection.processID {
            // The process's own, from before it lost it: it would keep its place, and its lock.
            _ = try self.ask(connection, "SELECT pg_terminate_backend($1)", ["\(row.processID)"])
        }
        let others = rows.prefix { $0.processID != connection.processID }
            .filter { $0.name.entry.member != self.entry.member }
        guard others.count < self.controlReserve else {
            throw ControlConnection.Failure(
                description: "\(others.count) processes of the fleet have control connections, and "
                    + "control_reserve = \(self.controlReserve)"
            )
        }
        let facts = try self.facts(connection)
        self.context.learn(facts)
        self.isPrimary = !facts.isInRecovery
        if self.isPrimary {
            _ = try self.ask(connection, "LISTEN \(self.channel)")
        }
    }

    /// A standby that has become a primary can wake others from now on.
    private mutating func followRecovery(
        _ connection: ControlConnection
    ) throws(ControlConnection.Failure) {
        guard !self.isPrimary, connection.isInHotStandby == false else { return }
        self.isPrimary = true
        _ = try self.ask(connection, "LISTEN \(self.channel)")
        self.context.report(.wakeUps(true))
    }

    private func facts(
        _ connection: ControlConnection
    ) throws(ControlConnection.Failure) -> ServerFacts {
        try ServerFacts.ask { text throws(ControlConnection.Failure) in
            try self.ask(connection, text)
        }
    }

    // MARK: Board

    private var name: BoardName {
        BoardName(
            entry: self.entry,
            node: self.context.identity.node,
            fleet: self.tag,
            budget: self.context.budget(),
            pass: self.pass
        )
    }

    func show(_ connection: ControlConnection) throws(ControlConnection.Failure) {
        _ = try self.ask(
            connection,
            "SELECT set_config('application_name', $1, false)",
            [self.name.text]
        )
    }

    private func wakeOthers(_ connection: ControlConnection) throws(ControlConnection.Failure) {
        guard self.isPrimary else { return }
        _ = try self.ask(connection, "SELECT pg_notify($1, '')", [self.channel])
    }

    private mutating func read(
        _ connection: ControlConnection
    ) throws(ControlConnection.Failure) -> SessionReading {
        let now = BootClock.now
        try self.followRecovery(connection)
        var reading = try self.list(connection)
        self.fence?.look(at: reading.controls, now: now)
        let silent = self.silent(reading, connection, now: now)
        reading.conclude(
            own: connection.processID,
            budget: self.context.budget(),
            silent: silent.count
        )
        if self.fence != nil {
            let rows = try self.ask(
                connection,
                ControlFence.unclaimed,
                [ControlConnection.array(self.context.roles()), self.user]
            )
            self.fence?.look(rows, now: now)
        }
        self.rows = reading.rows(now: now)
        return reading
    }

    func list(
        _ connection: ControlConnection
    ) throws(ControlConnection.Failure) -> SessionReading {
        let rows = try self.ask(
            connection,
            SessionReading.query,
            [
                ControlConnection.array(self.context.roles()), self.user,
                ControlConnection.array(processIDs: self.context.ownSessions()),
            ]
        )
        return SessionReading(rows, fleet: self.tag)
    }

    /// Nil where PostgreSQL counts deaths late or not at all.
    private func deaths(
        _ connection: ControlConnection
    ) throws(ControlConnection.Failure) -> Int? {
        guard connection.countsDeaths else { return nil }
        let rows = try self.ask(
            connection,
            """
            SELECT sessions_abandoned + sessions_fatal + sessions_killed FROM pg_stat_database
            WHERE datname = current_database()
            """
        )
        return rows.first?.first?.flatMap { Int($0) }.map { $0 % BoardName.deathsLimit }
    }

    // MARK: Asking

    func ask(
        _ connection: ControlConnection,
        _ text: String,
        _ arguments: [String] = []
    ) throws(ControlConnection.Failure) -> ControlConnection.Rows {
        let identity = self.context.identity
        return try connection.query(
            SessionReading.comment(version: identity.version, address: identity.address) + text,
            arguments,
            deadline: BootClock.now + Self.answerTime
        )
    }

    static let firstTryPause: Nanoseconds = 4_000_000
    static let longestTryPause: Nanoseconds = 100_000_000
    private static let connectTime: Nanoseconds = 3_000_000_000
    private static let answerTime: Nanoseconds = 3_000_000_000
    static let heartbeat: Nanoseconds = 1_000_000_000
}
