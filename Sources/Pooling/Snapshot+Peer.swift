extension Snapshot {
    /// One process of the peer group: a row of SHOW PEERS.
    public struct Peer: Equatable, Sendable {
        /// Its `peer_id`.
        public var id: Int
        /// Where it listens.
        public var host: String?
        /// The port that it listens on.
        public var port: Int
        /// How many connections to it there may be.
        public var poolSize: Int

        /// Creates a row.
        public init(id: Int, host: String?, port: Int, poolSize: Int) {
            self.id = id
            self.host = host
            self.port = port
            self.poolSize = poolSize
        }
    }

    /// The connections to one peer, which carry cancel requests only: a row of SHOW PEER_POOLS.
    public struct PeerPool: Equatable, Sendable {
        /// The peer's `peer_id`.
        public var peerID: Int
        /// Cancel requests that have been passed on.
        public var clientsActiveCancel: Int
        /// Cancel requests that have not been passed on yet.
        public var clientsWaitingCancel: Int
        /// Connections that carry one.
        public var serversActiveCancel: Int
        /// Connections that are being made.
        public var serversLogin: Int

        /// Creates a row.
        public init(
            peerID: Int,
            clientsActiveCancel: Int,
            clientsWaitingCancel: Int,
            serversActiveCancel: Int,
            serversLogin: Int
        ) {
            self.peerID = peerID
            self.clientsActiveCancel = clientsActiveCancel
            self.clientsWaitingCancel = clientsWaitingCancel
            self.serversActiveCancel = serversActiveCancel
            self.serversLogin = serversLogin
        }
    }
}
