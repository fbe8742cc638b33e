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
        let silent = try self.list(connection).controls.filter { control in
            control.processID != connection.processID && control.age >= fence.silence
        }
        let orphans = fence.orphans(now: BootClock.now)
        let processIDs = silent.map(\.processID)
        do throws(ControlConnection.Failure) {
            let ended = try self.ask(
                connection,
                ControlFence.ending,
                [Self.array(processIDs.map { "\($0)" }), Self.array(orphans.map { "\($0)" })]
            )
            let nodes = silent.map(\.name.node).joined(separator: ", ")
            self.context.logger.warning(
                """
                budget_fence: ended \(ended.count) sessions of processes that were not heard of \
                for \(fence.silence / 1_000_000_000) s (\(nodes))
                """
            )
        } catch  where error.sqlState == Self.insufficientPrivilege {
            self.context.logger.error(
                "budget_fence = terminate: \(error): grant pg_signal_backend to the ledger's role"
            )
        }
    }
}
