internal import Locking
internal import Logging
internal import Pooling

/// What people are told of a membership, once for each change.
extension Membership {
    /// Tells people once that the engine is lost, and that it is there again.
    func say(_ event: LedgerEvent) {
        switch event {
        case .lost(let reason):
            let isNew = self.state.withLock { state in
                defer { state.isLost = true }
                return !state.isLost && !state.isStopped
            }
            guard isNew else { return }
            self.logger.warning(
                """
                server \(self.server): the fleet's ledger cannot be reached, nothing is opened \
                until it can: \(reason)
                """
            )
        case .back:
            self.state.withLock { $0.isLost = false }
            self.logger.info("server \(self.server): the fleet's ledger is reached")
        case .counted(let count, _): self.sayTight(count.board)
        case .boardRead(let board): self.sayTight(board)
        case .countFailed(let reason):
            self.logger.warning("server \(self.server): sessions not counted: \(reason)")
        default: break
        }
    }

    /// Tells people once that not everybody can have what its pools are to keep open.
    private func sayTight(_ board: Board) {
        let minimums = board.entries.reduce(0) { $0 + ($1.isAtRest ? 0 : $1.minimum) }
        let isTight = minimums > board.budget
        let isNew = self.state.withLock { state in
            defer { state.isTight = isTight }
            return isTight && !state.isTight
        }
        guard isNew else { return }
        self.logger.warning(
            """
            server \(self.server): \(board.entries.count) processes want \(minimums) slots at \
            least (min_pool_size, or 1 each), and the fleet has \(board.budget)
            """
        )
    }
}
