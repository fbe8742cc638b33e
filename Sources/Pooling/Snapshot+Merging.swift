extension Snapshot {
    /// Adds what another worker has copied of its state.
    ///
    /// Where both speak of the same thing, counts are added, and the rest is taken from `self`: the
    /// worker that reads the configuration.
    public mutating func merge(_ other: Snapshot) {
        self.databases += other.databases.filter { new in
            !self.databases.contains { $0.name == new.name }
        }
        self.databases.sort { $0.name < $1.name }
        self.users += other.users.filter { new in !self.users.contains { $0.name == new.name } }
        self.users.sort { $0.name < $1.name }
        self.mergePools(other.pools)
        self.mergePins(other.pins)
        self.mergeBudgets(other.budgets)
        self.clients += other.clients
        self.servers += other.servers
        self.mergeStatistics(other.statistics)
        self.counts.add(other.counts)
        self.dnsHosts += other.dnsHosts.filter { new in
            !self.dnsHosts.contains { $0.name == new.name }
        }
        for new in other.memory {
            guard let index = self.memory.firstIndex(where: { $0.name == new.name }) else {
                self.memory.append(new)
                continue
            }
            self.memory[index].entrySize = max(self.memory[index].entrySize, new.entrySize)
            self.memory[index].used += new.used
            self.memory[index].free += new.free
            self.memory[index].totalBytes += new.totalBytes
        }
        self.descriptors += other.descriptors
        self.workers += other.workers
        self.workers.sort { $0.number < $1.number }
    }

    private mutating func mergePools(_ others: [Pool]) {
        for new in others {
            let index = self.pools.firstIndex {
                $0.database == new.database && $0.user == new.user
            }
            guard let index else {
                self.pools.append(new)
                continue
            }
            self.pools[index].clientsActive += new.clientsActive
            self.pools[index].clientsWaiting += new.clientsWaiting
            self.pools[index].clientsActiveCancel += new.clientsActiveCancel
            self.pools[index].clientsWaitingCancel += new.clientsWaitingCancel
            self.pools[index].serversActive += new.serversActive
            self.pools[index].serversActiveCancel += new.serversActiveCancel
            self.pools[index].serversBeingCanceled += new.serversBeingCanceled
            self.pools[index].serversIdle += new.serversIdle
            self.pools[index].serversUsed += new.serversUsed
            self.pools[index].serversTested += new.serversTested
            self.pools[index].serversLogin += new.serversLogin
            self.pools[index].oldestWait = max(self.pools[index].oldestWait, new.oldestWait)
        }
        self.pools.sort { ($0.database, $0.user) < ($1.database, $1.user) }
    }

    private mutating func mergeBudgets(_ others: [Budget]) {
        for new in others {
            guard let index = self.budgets.firstIndex(where: { $0.server == new.server }) else {
                self.budgets.append(new)
                continue
            }
            self.budgets[index].used += new.used
            self.budgets[index].waiting += new.waiting
        }
        self.budgets.sort { $0.server < $1.server }
    }

    private mutating func mergePins(_ others: [Pin]) {
        for new in others {
            let index = self.pins.firstIndex {
                $0.database == new.database && $0.user == new.user && $0.reason == new.reason
            }
            guard let index else {
                self.pins.append(new)
                continue
            }
            self.pins[index].current += new.current
            self.pins[index].counts.started += new.counts.started
            self.pins[index].counts.refused += new.counts.refused
            self.pins[index].counts.reset += new.counts.reset
            self.pins[index].counts.timedOut += new.counts.timedOut
        }
        self.pins.sort { ($0.database, $0.user, $0.reason) < ($1.database, $1.user, $1.reason) }
    }

    private mutating func mergeStatistics(_ others: [DatabaseStatistics]) {
        for new in others {
            let index = self.statistics.firstIndex { $0.database == new.database }
            guard let index else {
                self.statistics.append(new)
                continue
            }
            self.statistics[index].totals.add(new.totals)
            self.statistics[index].previous.add(new.previous)
        }
        self.statistics.sort { $0.database < $1.database }
    }
}

extension Snapshot.Counts {
    mutating func add(_ other: Self) {
        self.freeClients += other.freeClients
        self.usedClients += other.usedClients
        self.loginClients += other.loginClients
        self.freeServers += other.freeServers
        self.usedServers += other.usedServers
        self.dnsNames += other.dnsNames
        self.dnsZones += other.dnsZones
        self.dnsQueries += other.dnsQueries
        self.dnsPending += other.dnsPending
    }
}
