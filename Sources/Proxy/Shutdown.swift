import Logging
import Pooling
import Reactor
import Wire

/// The process drains and ends.
extension Worker {
    func received(_ signal: WorkerSignal) {
        switch signal {
        case .reload:
            self.logger.info("got SIGHUP, re-reading config")
            self.environment.source.reopenLogs()
            do throws(ConfigurationFailure) {
                try self.reload()
            } catch {
                self.logger.warning("config file loading failed: \(error.reason)")
            }
        case .drainClients:
            self.drain(.waitForClients, "SIGTERM")
        case .drainServers:
            self.drain(.waitForServers, "SIGINT")
        case .quit:
            self.logger.info("got SIGQUIT, fast exit")
            self.shutDown(.immediate)
        case .pause:
            self.logger.info("got SIGUSR1, pausing all activity")
            self.signalled(.pause(database: nil))
        case .resume:
            self.logger.info("got SIGUSR2, continuing from PAUSE")
            self.signalled(.resume(database: nil))
        }
    }

    private func drain(_ mode: ControlCommand.ShutdownMode, _ name: String) {
        if self.isSuspended {
            // Nobody is read from, so nobody can be waited for; PgBouncer's words.
            self.logger.info("got \(name), suspend was in effect, going down")
            self.shutDown(.immediate)
        } else if self.ending == .none {
            let whom = mode == .waitForClients ? "clients" : "servers"
            self.logger.info("got \(name), shutting down, waiting for \(whom)")
            self.signalled(.shutdown(mode))
        } else {
            self.logger.info("got \(name) while shutting down, exiting now")
            self.shutDown(.immediate)
        }
    }

    /// A command that nobody waits for the answer of.
    private func signalled(_ command: ControlCommand) {
        do throws(ControlRefusal) {
            _ = try self.start(command)
        } catch {
            self.logger.warning("\(error.fields.message)")
        }
    }

    func shutDown(_ mode: ControlCommand.ShutdownMode) {
        // What others have said of another way to end does not count for this one.
        self.drainedPeers.removeAll()
        self.hasReportedDrained = false
        switch mode {
        case .immediate:
            self.ending = .now
            self.isFinished = true
        case .waitForClients:
            self.ending = .afterClients
            self.closeListeners()
        case .waitForServers:
            self.ending = .afterServers
            self.closeListeners()
            for client in self.clients.all
            where client.session.state == .waiting || client.phase == .greeting {
                self.closeClient(client, .poolerShutdown)
            }
            self.setPaused(true, nil)
        }
        self.checkEnding()
    }

    /// Ends what cannot go on without the process's other workers.
    private func finishIfAllHave() {
        if !self.isFirst {
            guard !self.hasReportedDrained else { return }
            self.hasReportedDrained = true
            self.post(.drained(worker: self.index, self.ending), to: 0)
        } else if self.ending == .now || self.drainedPeers.count == self.process.workers - 1 {
            self.isFinished = true
        }
    }

    /// TCP ends; the Unix socket stays, so that the console can be reached.
    private func closeListeners() {
        for listener in self.listeners where !listener.isUnix {
            self.loop.closeListener(listener.id)
        }
        self.listeners.removeAll { !$0.isUnix }
    }

    /// Ends the process when what it waits for has come.
    func checkEnding() {
        switch self.ending {
        case .none:
            return
        case .afterClients:
            // Streams never end; they are ended with the process, when nothing else goes on at any
            // worker.
            guard self.clients.count == self.consoleClients + self.streamCount else { return }
        case .afterServers:
            guard !self.servers.all.contains(where: { $0.client != nil || $0.phase == .recovering })
            else { return }
        case .now:
            break
        }
        self.finishIfAllHave()
    }
}
