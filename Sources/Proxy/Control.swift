import Logging
import Pooling
import Reactor
import Settings
import Wire

/// What the console and signals order: the first worker carries it out, and has the others do so.
extension Worker {
    /// Carries out a command and answers it, now or when it is done.
    func control(_ command: ControlCommand, for client: ClientConnection) {
        do throws(ControlRefusal) {
            let outcome = try self.start(command)
            if command == .suspend { self.suspender = client.id }
            if let outcome {
                self.finish(command, outcome, for: client)
                return
            }
            let pending = PendingControl(
                client: client.id,
                command: command,
                ticket: self.lastTicket,
                answersDue: self.hasPeers && command.isAnsweredByAll ? self.process.workers - 1 : 0
            )
            // Before it is asked whether they are free, or nobody would say when they are.
            self.process.awaitsSlots = true
            if self.isDone(pending) {
                self.finish(command, pending.outcome, for: client)
            } else {
                self.pendingControls.append(pending)
            }
        } catch {
            self.finish(command, .refused(error), for: client)
        }
    }

    private func finish(
        _ command: ControlCommand,
        _ outcome: ControlOutcome,
        for client: ClientConnection
    ) {
        let bytes = self.environment.console.completion(of: command, outcome: outcome)
        if !bytes.isEmpty { self.send(bytes, to: client.socket) }
    }

    /// Begins a command, here and at the other workers; nil when it is done later (`isDone`).
    func start(_ command: ControlCommand) throws(ControlRefusal) -> ControlOutcome? {
        let outcome = try self.begin(command)
        guard self.hasPeers else { return outcome }
        switch command {
        case .reload, .set, .shutdown(.immediate): break
        case .killClient where outcome != nil: break
        default:
            self.lastTicket += 1
            self.tellPeers(.order(Order(ticket: self.lastTicket, command: command)))
        }
        return outcome
    }

    /// Begins a command here; nil when it is done later.
    func begin(_ command: ControlCommand) throws(ControlRefusal) -> ControlOutcome? {
        switch command {
        case .pause(let name):
            try self.pause(name)
            return nil
        case .resume(let name):
            try self.resume(name)
        case .suspend:
            try self.suspend()
            return nil
        case .disable(let name):
            try self.entry(name).isDisabled = true
        case .enable(let name):
            try self.entry(name).isDisabled = false
        case .reconnect(let name):
            self.note("RECONNECT \(Self.quoted(name))command issued")
            let entry = try self.entry(ifNamed: name)
            self.epoch += 1
            self.reconnect(entry)
        case .waitClose(let name):
            if let name { _ = try self.entry(name) }
            return nil
        case .kill(let name):
            try self.kill(name)
        case .killClient(let number):
            guard let client = self.clients.all.first(where: { $0.number == number }) else {
                // Another worker may have it.
                if self.isFirst, self.hasPeers { return nil }
                throw .clientNotFound
            }
            self.closeClient(client, .adminDisconnect)
        case .reload:
            do throws(ConfigurationFailure) {
                try self.reload()
            } catch {
                self.logger.warning("config file loading failed: \(error.reason)")
                throw .reloadFailed(reason: error.reason)
            }
        case .set(let key, let value):
            return try self.set(key, value)
        case .shutdown(let mode):
            self.shutDown(mode)
        }
        return .success
    }

    private func entry(_ name: String) throws(ControlRefusal) -> DatabaseEntry {
        guard let entry = self.database(named: name) else { throw .noSuchDatabase(name) }
        return entry
    }

    private func entry(ifNamed name: String?) throws(ControlRefusal) -> DatabaseEntry? {
        guard let name else { return nil }
        return try self.entry(name)
    }

    /// Says once what all workers do.
    func note(_ text: @autoclosure () -> String) {
        if self.isFirst { self.logger.info("\(text())") }
    }

    private static func quoted(_ name: String?) -> String { name.map { "'\($0)' " } ?? "" }

    // MARK: Pause

    private func pause(_ name: String?) throws(ControlRefusal) {
        self.note("PAUSE \(Self.quoted(name))command issued")
        if self.pools.isPaused || self.isSuspended { throw .alreadyPaused }
        let database = try self.entry(ifNamed: name)?.cap
        if let database, self.pools.pausedDatabases.contains(database) { throw .alreadyPaused }
        self.setPaused(true, database)
        self.performDue()
    }

    private func resume(_ name: String?) throws(ControlRefusal) {
        self.note("RESUME \(Self.quoted(name))command issued")
        if self.ending != .none { throw .shuttingDown }
        if let name {
            let database = try self.entry(name).cap
            guard self.pools.pausedDatabases.contains(database) else {
                throw .databaseNotPaused(name)
            }
            self.setPaused(false, database)
        } else {
            guard self.pools.isPaused || self.isSuspended || !self.pools.pausedDatabases.isEmpty
            else { throw .notPaused }
            self.setPaused(false, nil)
            for database in self.pools.pausedDatabases { self.setPaused(false, database) }
        }
        self.abandonPauses(of: name)
        if self.isSuspended { self.endSuspension() }
        self.openServers()
    }

    /// Pauses here at once; nobody opens anything meanwhile, wherever the word has come to.
    func setPaused(_ isPaused: Bool, _ database: Int?) {
        self.pools.setPaused(isPaused, database: database)
        for pool in self.poolEntries { self.touch(pool) }
        guard self.isFirst else { return }
        self.withShared { self.pools.shared.setPaused(isPaused, database: database) }
    }

    /// A PAUSE or SUSPEND that has not been answered is over; nil for those of all databases.
    private func abandonPauses(of database: String?) {
        let pending = self.pendingControls
        self.pendingControls.removeAll { Self.isPause($0.command, of: database) }
        for control in pending where Self.isPause(control.command, of: database) {
            guard let client = self.clients[control.client.index, control.client.generation] else {
                continue
            }
            self.finish(control.command, .refused(.canceled), for: client)
            self.readConsole(client)
        }
    }

    private static func isPause(_ command: ControlCommand, of database: String?) -> Bool {
        switch command {
        case .pause(let name): database == nil || name == database
        case .suspend: database == nil
        default: false
        }
    }

    private func kill(_ name: String?) throws(ControlRefusal) {
        self.note("KILL \(Self.quoted(name))command issued")
        if self.pools.isPaused || self.isSuspended { throw .alreadyPaused }
        let named = try self.entry(ifNamed: name)
        let entries = named.map { [$0] } ?? Array(self.databaseEntries.values)
        for entry in entries {
            self.setPaused(true, entry.cap)
            for client in self.clients.all where client.pool?.database === entry {
                self.closeClient(client, .databaseRemoved)
            }
            for server in self.servers.all where server.pool.database === entry {
                self.closeServer(server, .paused)
            }
        }
    }

    // MARK: Suspend

    private func suspend() throws(ControlRefusal) {
        self.note("SUSPEND command issued")
        if self.pools.isPaused || self.isSuspended { throw .alreadyPaused }
        if !self.pools.pausedDatabases.isEmpty { throw .pausedDatabases }
        self.isSuspended = true
        let limit = self.settings.global.suspendTimeout.nanoseconds
        self.suspendDeadline = limit == 0 ? .max : self.loop.now + limit
    }

    /// Whether everything that was read has been passed on.
    private var isFlushed: Bool {
        !self.clients.all.contains { $0.phase != .console && self.loop.queued($0.socket) > 0 }
            && !self.servers.all.contains {
                $0.phase == .ready && self.loop.queued($0.socket) > 0
            }
    }

    private func dropUnflushed() {
        for client in self.clients.all
        where client.phase != .console && self.loop.queued(client.socket) > 0 {
            self.closeClient(client, .suspendTimeout)
        }
        for server in self.servers.all
        where server.phase == .ready && self.loop.queued(server.socket) > 0 {
            self.closeServer(server, .suspendTimeout)
        }
    }

    private func endSuspension() {
        self.isSuspended = false
        self.suspendDeadline = .max
        for client in self.clients.all {
            self.resumeReading(client)
            self.readyClients.append(client.id)
        }
        for server in self.servers.all { self.resumeReplies(server) }
    }

    // MARK: Commands that take time

    func awaitsControl(_ client: ClientConnection) -> Bool {
        self.pendingControls.contains { $0.client == client.id }
    }

    /// Answers commands whose condition has come true, and ends the process when it is time.
    func checkControls() {
        if self.isSuspended, self.loop.now >= self.suspendDeadline {
            self.dropUnflushed()
            self.suspendDeadline = .max
        }
        var index = 0
        while index < self.pendingControls.count {
            let pending = self.pendingControls[index]
            guard self.isDone(pending) else {
                index += 1
                continue
            }
            self.pendingControls.remove(at: index)
            guard let client = self.clients[pending.client.index, pending.client.generation] else {
                continue
            }
            self.finish(pending.command, pending.outcome, for: client)
            self.readConsole(client)
        }
        if self.isFirst, self.pendingControls.isEmpty { self.process.awaitsSlots = false }
        self.orders.removeAll { order in
            guard self.isDone(order.command) else { return false }
            self.post(.done(ticket: order.ticket, wasFound: true), to: 0)
            return true
        }
        self.checkEnding()
    }

    private func isDone(_ pending: PendingControl) -> Bool {
        pending.answersDue == 0 && self.isDone(pending.command)
    }

    /// Whether what a command waits for has come true, as far as this worker can tell.
    private func isDone(_ command: ControlCommand) -> Bool {
        switch command {
        case .pause(let name?):
            // A database that a reload has taken away has nothing left to pause.
            guard let entry = self.databaseEntries[name] else { return true }
            return self.withShared { self.pools.slots(ofDatabase: entry.cap) } == 0
        case .pause(nil):
            return self.withShared { self.pools.slots(ofDatabase: nil) } == 0
        case .waitClose(let name):
            return !self.servers.all.contains { server in
                (name == nil || server.pool.database.name == name)
                    && self.pools.isCloseNeeded(server.id)
            }
        case .suspend:
            return self.isFlushed
        default:
            return true
        }
    }

    /// A console client cancels what it waits for.
    func cancelControl(_ client: ClientConnection) {
        guard let index = self.pendingControls.firstIndex(where: { $0.client == client.id }) else {
            return
        }
        let pending = self.pendingControls.remove(at: index)
        self.undo(pending.command)
        self.finish(pending.command, .refused(.canceled), for: client)
        self.readConsole(client)
    }

    /// A console client has gone; what it was waiting for is undone.
    func consoleLeft(_ client: ClientConnection) {
        for pending in self.pendingControls where pending.client == client.id {
            self.undo(pending.command)
        }
        self.pendingControls.removeAll { $0.client == client.id }
        // Nobody else may be there to end it, and nobody new is let in meanwhile.
        if self.isSuspended, self.suspender == client.id {
            _ = try? self.start(.resume(database: nil))
        }
    }

    private func undo(_ command: ControlCommand) {
        switch command {
        case .pause(let name): _ = try? self.start(.resume(database: name))
        case .suspend: _ = try? self.start(.resume(database: nil))
        default: break
        }
    }

    // MARK: Orders

    /// Does what the first worker has accepted.
    func carryOut(_ order: Order) {
        var wasFound = true
        do throws(ControlRefusal) { _ = try self.begin(order.command) } catch { wasFound = false }
        guard order.command.isAnsweredByAll else { return }
        if wasFound {
            self.orders.append(order)
        } else {
            self.post(.done(ticket: order.ticket, wasFound: false), to: 0)
        }
    }

    /// Another worker has done what was ordered.
    func orderDone(_ ticket: Int, wasFound: Bool) {
        let index = self.pendingControls.firstIndex { $0.ticket == ticket && $0.answersDue > 0 }
        guard let index else { return }
        self.pendingControls[index].answersDue -= 1
        if wasFound { self.pendingControls[index].wasFound = true }
    }

    // MARK: Settings

    private func set(_ key: String, _ value: String) throws(ControlRefusal) -> ControlOutcome {
        do throws(SettingsErrors) {
            switch try self.settings.setting(key, to: value) {
            case .changed(let settings):
                self.applySettings(settings)
                self.tellPeers(.settings(settings))
                return .success
            case .notReloadable:
                throw SettingsErrors([])
            }
        } catch {
            if error.errors.isEmpty { throw .notChangeable(key: key) }
            throw .setFailed(reason: error.description)
        }
    }
}
