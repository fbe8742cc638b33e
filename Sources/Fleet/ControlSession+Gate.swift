internal import Logging
internal import Pooling

/// The gate: an advisory lock of the control session.
extension ControlSession {
    /// Tries to get the gate, if it is time to.
    ///
    /// To wait for it in PostgreSQL would keep the connection from everything else, and a wait that
    /// `lock_timeout` ends writes an error into PostgreSQL's log each time.
    mutating func tryGate() {
        guard let connection, let pass = self.entering, BootClock.now >= self.nextTry else {
            return
        }
        do throws(ControlConnection.Failure) {
            let answer = try self.ask(connection, "SELECT pg_try_advisory_lock($1)", [self.gate])
            guard answer.first?.first == "t" else {
                // Not all at the same moment.
                let pause = Int64.random(in: self.tryPause / 2...self.tryPause)
                self.nextTry = BootClock.now + pause
                self.tryPause = min(2 * self.tryPause, Self.longestTryPause)
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
        guard self.pass != nil else { return }
        // What was opened in this pass is claimed before anybody else can count it.
        try self.claim(connection)
        self.pass = nil
        // Off the board first: who enters next must not see two in the gate.
        try self.show(connection)
        _ = try self.ask(connection, "SELECT pg_advisory_unlock($1)", [self.gate])
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
