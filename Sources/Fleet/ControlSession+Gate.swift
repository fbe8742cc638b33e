internal import Logging
internal import Pooling

/// The gate: an advisory lock of the control session.
extension ControlSession {
    /// Waits for the gate, for a short time.
    mutating func tryGate() {
        guard let connection, let pass = self.entering else { return }
        do throws(ControlConnection.Failure) {
            do throws(ControlConnection.Failure) {
                _ = try self.ask(connection, "SELECT pg_advisory_lock($1)", [self.gate])
            } catch  where error.sqlState == Self.lockNotAvailable {
                self.mayHaveGate = true
                return
            }
            self.entering = nil
            self.pass = pass
            try self.show(connection)
            self.context.report(.gateEntered(pass))
        } catch {
            self.lose(error.description)
        }
    }

    mutating func leaveGate(
        _ connection: ControlConnection
    ) throws(ControlConnection.Failure) {
        self.entering = nil
        guard self.pass != nil else { return try self.unlockOnceMore(connection) }
        // What was opened in this pass is claimed before anybody else can count it.
        try self.claim(connection)
        self.pass = nil
        // Off the board first: who enters next must not see two in the gate.
        try self.show(connection)
        _ = try self.ask(connection, "SELECT pg_advisory_unlock($1)", [self.gate])
        try self.unlockOnceMore(connection)
    }

    /// Gives the lock back that a try has got which failed.
    ///
    /// Where the lock is granted at the moment at which `lock_timeout` is over, the statement fails
    /// and the session has the lock all the same: it survives the transaction. The next try takes
    /// it a second time, so that to give it back once would keep everybody else out for good.
    private mutating func unlockOnceMore(
        _ connection: ControlConnection
    ) throws(ControlConnection.Failure) {
        guard self.mayHaveGate else { return }
        self.mayHaveGate = false
        // The gate is the session's only lock of one number (1); to unlock what is not held would
        // make PostgreSQL write a warning.
        _ = try self.ask(
            connection,
            """
            SELECT pg_advisory_unlock($1) FROM pg_locks
            WHERE locktype = 'advisory' AND objsubid = 1 AND granted AND pid = pg_backend_pid()
            """,
            [self.gate]
        )
    }

    func breakGate(
        _ pass: GatePass,
        _ connection: ControlConnection
    ) throws(ControlConnection.Failure) {
        for row in try self.list(connection).controls where row.name.pass == pass {
            self.context.logger.warning(
                "the gate is taken from \(row.name.node), which has not left it: its session ends"
            )
            _ = try self.ask(
                connection,
                """
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE pid = $1 AND application_name = $2
                """,
                ["\(row.processID)", row.name.text]
            )
        }
    }
}
