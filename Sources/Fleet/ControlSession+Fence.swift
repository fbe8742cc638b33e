internal import Logging
internal import Pooling

/// Signs of life and claims, and what becomes of the sessions of others that give none.
extension ControlSession {
    /// Says that the process lives and what it has, where silence has consequences.
    mutating func beat() {
        guard let connection, BootClock.now >= self.nextHeartbeat else { return }
        self.nextHeartbeat = BootClock.now + Self.heartbeat
        do throws(ControlConnection.Failure) {
            try self.claim(connection)
        } catch {
            self.lose(error.description)
        }
    }

    mutating func claim(
        _ connection: ControlConnection
    ) throws(ControlConnection.Failure) {
        guard let query = self.fence?.claiming(self.context.ownSessions()) else { return }
        _ = try self.ask(connection, query)
    }

    mutating func terminateOrphans(
        _ connection: ControlConnection
    ) throws(ControlConnection.Failure) {
        guard let fence = self.fence else { return }
        let (reading, now) = (try self.list(connection), BootClock.now)
        let claiming = Set(
            try self.ask(connection, ControlFence.claiming)
                .compactMap { $0.first?.flatMap { UInt32($0) } }
        )
        let mute = reading.controls.first { control in
            control.name.entry.held > 0 && !claiming.contains(control.processID)
        }
        if let mute {
            // It runs with budget_fence = wait, perhaps in the middle of a change of that.
            return self.context.logger.warning(
                "budget_fence: nothing is ended, since \(mute.name.node) claims no sessions"
            )
        }
        let silent = self.silent(reading, connection, now: now)
        let orphans = fence.orphans(besides: self.context.ownSessions(), now: now)
        let processIDs = silent.map(\.processID)
        do throws(ControlConnection.Failure) {
            let ended = try self.ask(
                connection,
                ControlFence.ending,
                [ControlConnection.array(processIDs), ControlConnection.array(orphans)]
            )
            let nodes = silent.map(\.name.node).joined(separator: ", ")
            self.context.logger.warning(
                """
                budget_fence: ended \(ended.count) sessions of processes that were not heard of \
                for \(fence.silence / 1_000_000_000) s (\(nodes))
                """
            )
        } catch  where error.isAboutPrivilege {
            self.context.logger.error(
                "budget_fence = terminate: \(error): grant pg_signal_backend to the ledger's role"
            )
        }
    }

    /// Members whose connections are to be ended.
    func silent(
        _ reading: SessionReading,
        _ connection: ControlConnection,
        now: Instant
    ) -> [SessionReading.Control] {
        guard let fence = self.fence else { return [] }
        return reading.controls.filter { control in
            control.processID != connection.processID && fence.isSilent(control, now: now)
        }
    }
}
