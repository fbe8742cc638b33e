extension Snapshot {
    /// The budget of one PostgreSQL server: a row of SHOW BUDGET.
    public struct Budget: Equatable, Sendable {
        /// Its name in `[servers]`, or else its address.
        public var server: String
        /// Connections that the process may have there; 0 = no limit.
        public var slots: Int
        /// Slots taken, those of connections that are being opened or closed included.
        public var held: Int
        /// Of those, the ones whose connections clients use.
        public var used = 0
        /// Clients that wait for a connection that may go there.
        public var waiting = 0
        /// The name of the ledger by which processes share the budget.
        public var ledger = "local"
        /// What is known of the fleet; nil where the budget is the process's own.
        public var fleet: FleetOverview?

        /// Creates the row of a server that nobody uses or waits for.
        public init(server: String, slots: Int, held: Int) {
            self.server = server
            self.slots = slots
            self.held = held
        }
    }
}
