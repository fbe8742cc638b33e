import Reactor
public import Settings

/// What PostgreSQL servers have said of how many connections they take, which somebody outside asks
/// them for: a budget may be a part of that.
extension ProcessState {
    /// A server has been asked.
    public func setCapacity(_ capacity: ServerCapacity, of server: ServerBudget) {
        let isNew = self.withLock { state in
            state.capacityProblems[server.address] = nil
            return state.capacities.updateValue(capacity, forKey: server.address) != capacity
        }
        guard isNew else { return }
        for mailbox in self.allMailboxes { mailbox.post(WorkerMessage(.capacitiesChanged)) }
    }

    /// A server could not be asked. What it has said before still counts.
    ///
    /// - Parameter why: for those who wait.
    public func setCapacityProblem(_ why: String, of server: ServerBudget) {
        self.withLock { $0.capacityProblems[server.address] = why }
    }

    /// What a server has said; nil while it has said nothing.
    public func capacity(of server: ServerBudget) -> ServerCapacity? {
        self.withLock { $0.capacities[server.address] }
    }

    /// Why a server has said nothing when it was asked last.
    func capacityProblem(of server: ServerBudget) -> String? {
        self.withLock { $0.capacityProblems[server.address] }
    }
}
