import Auth
import Logging
import Pooling
import Reactor
import Settings

/// The configuration is read again: all of it, or nothing changes.
extension Worker {
    /// Reads configuration and users; on failure the old ones stay whole.
    func reload() throws(ConfigurationFailure) {
        self.logger.info("RELOAD command issued")
        let path = self.settings.global.conffile
        let fresh = try self.environment.source.settings(from: path)
        let users = try self.environment.source.users(for: fresh)
        let change = SettingsChange(from: self.settings, to: fresh)
        for key in change.ignoredKeys {
            self.logger.warning(
                "\(key) cannot be changed while running, the old value stays in force"
            )
        }
        for warning in fresh.warnings { self.logger.warning("\(warning)") }
        self.apply(change)
        self.setUsers(users)
        self.tellPeers(.reloaded(change))
        self.tellPeers(.users(users))
    }

    /// Brings everything to what has been read.
    func apply(_ change: SettingsChange) {
        self.epoch += 1
        let moved = self.automaticDatabases(changedBy: change)
        self.applySettings(change.effective)
        for name in change.removedDatabases where name != "*" {
            guard let entry = self.databaseEntries[name] else { continue }
            self.remove(entry)
        }
        for changed in change.changedDatabases where changed.needsReconnect {
            if let entry = self.databaseEntries[changed.name] { self.reconnect(entry) }
        }
        // One that has got an entry of its own now is judged by that.
        for entry in moved where entry.isAutomatic {
            if change.effective.fallbackDatabase == nil {
                self.remove(entry)
            } else {
                self.reconnect(entry)
            }
        }
        self.keepUp()
    }

    /// Databases made from `*`, when that has changed or gone.
    private func automaticDatabases(changedBy change: SettingsChange) -> [DatabaseEntry] {
        let isGone = change.removedDatabases.contains("*")
        let isOther = change.changedDatabases.contains { $0.name == "*" && $0.needsReconnect }
        guard isGone || isOther else { return [] }
        return self.databaseEntries.values.filter(\.isAutomatic)
    }

    /// Ends a database that the configuration does not have any more.
    private func remove(_ entry: DatabaseEntry) {
        for client in self.clients.all where client.pool?.database === entry {
            self.closeClient(client, .databaseRemoved)
        }
        self.reconnect(entry)
        self.forget(entry)
    }

    /// Has the servers of a database replaced as they come free; nil for all databases.
    func reconnect(_ entry: DatabaseEntry?) {
        for server in self.servers.all where entry == nil || server.pool.database === entry {
            self.pools.setCloseNeeded(server.id)
        }
        if let entry {
            entry.epoch = self.epoch
        } else {
            for database in self.databaseEntries.values { database.epoch = self.epoch }
        }
        for pool in self.poolEntries where entry == nil || pool.database === entry {
            self.touch(pool)
        }
        // What the server says of itself may be something else now. Once for all workers: a later
        // one would void what a new server has brought.
        if self.isFirst { self.process.voidGreetings(ofDatabase: entry?.cap) }
        self.performDue()
    }
}
