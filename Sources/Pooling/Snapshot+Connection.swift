extension Snapshot {
    /// One client or server connection: a row of SHOW CLIENTS, SERVERS and SOCKETS.
    public struct Connection: Equatable, Sendable {
        /// Where a client stands.
        public enum ClientState: Equatable, Sendable, CaseIterable {
            /// It has a server.
            case active
            /// It needs none now.
            case idle
            /// It is in the queue.
            case waiting
            /// A cancel request that has been passed on.
            case activeCancel
            /// A cancel request that has not been passed on yet.
            case waitingCancel
            /// It is logging in.
            case login
        }

        /// Where a server connection stands.
        public enum ServerState: Equatable, Sendable, CaseIterable {
            /// A client has it.
            case active
            /// It can be handed out.
            case idle
            /// It needs a check first.
            case used
            /// It is being checked or reset.
            case tested
            /// It is connecting or logging in.
            case login
            /// It carries a cancel request.
            case activeCancel
            /// It is kept back until a cancel request aimed at it is through.
            case beingCanceled
        }

        /// Which side it is on, and where it stands there.
        public enum State: Equatable, Sendable {
            case client(ClientState)
            case server(ServerState)
        }

        /// What `replication` in the startup packet asked for.
        public enum Replication: String, Equatable, Sendable, CaseIterable {
            case none
            case logical
            case physical
        }

        /// Side and state.
        public var state: State
        /// The user; nil before it is known.
        public var user: String?
        /// The database; nil before it is known.
        public var database: String?
        /// The kind of replication.
        public var replication: Replication = .none
        /// The peer's address; `unix` for a Unix socket.
        public var address: String
        /// The peer's port; the listening port for a Unix socket.
        public var port: Int
        /// Our own address; `unix` for a Unix socket.
        public var localAddress: String
        /// Our own port.
        public var localPort: Int
        /// When it was opened; microseconds since 1970.
        public var connectTime: Int64
        /// When its last request began; the same as `connectTime` before the first.
        public var requestTime: Int64
        /// How long a client that is in the queue now has been there; microseconds, else 0.
        public var wait: Int64 = 0
        /// Whether a server connection is closed as soon as it is free.
        public var closeNeeded = false
        /// A number that no other connection of the process has now; shown as `ptr`, and as `0x…`
        /// in the log.
        public var handle: UInt64
        /// The handle of the server that this client has, or of the client that has this server.
        public var link: UInt64?
        /// The peer's process ID: of a server from its BackendKeyData, of a Unix client from the
        /// socket; else 0.
        public var remotePID: Int = 0
        /// `PROTOCOL/CIPHER` under TLS; else empty.
        public var tls = ""
        /// `application_name` as the connection has it now; empty where unset.
        public var applicationName = ""
        /// Statements that the client has prepared, or that are prepared on the server.
        public var preparedStatements = 0
        /// What the client keeps its server for; empty for nothing.
        public var pinned = ""
        /// Since when; microseconds since 1970, 0 for not at all.
        public var pinnedSince: Int64 = 0
        /// What KILL_CLIENT takes: unique over clients and servers, and best below 2³¹, since
        /// drivers read the column as int4.
        public var id: Int64
        /// Buffered bytes.
        public var buffers = Buffers()

        /// Creates a row; what has a default is set afterwards where it applies.
        public init(
            state: State,
            id: Int64,
            handle: UInt64,
            user: String?,
            database: String?,
            address: String,
            port: Int,
            localAddress: String,
            localPort: Int,
            connectTime: Int64,
            requestTime: Int64
        ) {
            self.state = state
            self.id = id
            self.handle = handle
            self.user = user
            self.database = database
            self.address = address
            self.port = port
            self.localAddress = localAddress
            self.localPort = localPort
            self.connectTime = connectTime
            self.requestTime = requestTime
        }
    }
}
