/// What a process opens by its fleet's permits, and what it gives back.
extension PoolSet {
    // MARK: Opening

    /// A connection's startup message goes out, and takes the fleet's permit for it; or it never
    /// will, since the connection is being closed.
    public mutating func startupSent(_ server: ServerID) {
        if self.record(server).isReserved { self.endReservation(server) }
    }

    private mutating func endReservation(_ server: ServerID) {
        self.records[Int(server.index)].isReserved = false
        guard let host = self.record(server).host else { return }
        self.shared.servers[host].reserved -= 1
    }

    /// A server has logged in, and the fleet counts it: it is no longer one that is wanted beside
    /// those that the process has, though it may be a while until it serves (`connect_query`).
    public mutating func enteredFleet(_ server: ServerID) {
        let record = self.record(server)
        guard record.place == .opening, !record.isInFleet else { return }
        self.records[Int(server.index)].isInFleet = true
        self.pools[record.pool.index].inFleet += 1
        self.shared.pools[record.pool.index].inFleet += 1
    }

    /// It is not being opened any more.
    mutating func openingEnded(_ server: ServerID, in pool: Int) {
        self.records[Int(server.index)].isInFleet = false
        self.pools[pool].inFleet -= 1
        self.shared.pools[pool].inFleet -= 1
    }

    // MARK: Giving back

    /// Whether the fleet gets an idle server of a pool.
    ///
    /// What fills a minimum counts as used. It goes only where the process owes more than all that
    /// its workers have beside that; else it would be wanted again at once.
    func isGivenBack(_ pool: Int, at host: Int) -> Bool {
        let cap = self.shared.servers[host]
        guard cap.isOwing else { return false }
        if self.shared.pools[pool].spare > 0 { return true }
        var spare = cap.closing
        for (index, pool) in self.shared.pools.enumerated()
        where pool.spare > 0 && self.hosts(of: index).contains(host) {
            spare += pool.spare
        }
        return cap.standing.map { $0.owed > spare } ?? false
    }

    /// Whether a server that has come back from its client goes to the fleet. One a call; the
    /// caller closes it.
    public mutating func paysBack(_ server: ServerID) -> Bool {
        guard let host = self.record(server).host else { return false }
        let cap = self.shared.servers[host]
        guard cap.owedInUse > 0, cap.isOwing else { return false }
        self.shared.servers[host].owedInUse -= 1
        return true
    }

    /// Whether any PostgreSQL server's connections are wanted back from clients.
    public var owesServersInUse: Bool { self.shared.servers.contains { $0.owedInUse > 0 } }
}
