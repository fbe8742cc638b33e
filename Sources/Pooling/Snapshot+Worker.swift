extension Snapshot {
    /// One worker: a row of SHOW WORKERS.
    public struct Worker: Equatable, Sendable {
        /// Its place among the workers, from 0.
        public var number: Int
        /// Clients that it has, those that are logging in included.
        public var clients: Int
        /// Server connections that it has.
        public var servers: Int
        /// Clients that wait for one.
        public var waiting: Int
        /// CPU time that its thread has used, user and system; microseconds.
        public var cpuTime: Int64
        /// Servers that have come from other workers.
        public var serversArrived: UInt64
        /// Servers that have gone to other workers.
        public var serversDeparted: UInt64
        /// How often a client was found waiting while another worker had an idle server of its
        /// pool: 0, or something is wrong.
        public var missedServers: UInt64

        /// Creates a row.
        public init(
            number: Int,
            clients: Int,
            servers: Int,
            waiting: Int,
            cpuTime: Int64,
            serversArrived: UInt64,
            serversDeparted: UInt64,
            missedServers: UInt64
        ) {
            self.number = number
            self.clients = clients
            self.servers = servers
            self.waiting = waiting
            self.cpuTime = cpuTime
            self.serversArrived = serversArrived
            self.serversDeparted = serversDeparted
            self.missedServers = missedServers
        }
    }
}
