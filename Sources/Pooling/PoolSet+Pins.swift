/// Servers that stay with their clients for what those have left there.
extension PoolSet {
    /// A client is about to keep its server beyond its transaction; false when as many as may do
    /// so do it already.
    public mutating func pinStarted(_ pool: PoolID) -> Bool {
        let limit = self.pools[pool.index].limits.pinnedMax
        if let limit, self.shared.pools[pool.index].pinned >= limit { return false }
        self.shared.pools[pool.index].pinned += 1
        return true
    }

    /// A client for which `pinStarted` was true does not keep its server any more.
    public mutating func pinEnded(_ pool: PoolID) {
        precondition(self.shared.pools[pool.index].pinned > 0, "more pins ended than were started")
        self.shared.pools[pool.index].pinned -= 1
    }
}
