extension Snapshot {
    /// One open socket: a row of SHOW FDS. PgBouncer's columns for secrets have no place here:
    /// nothing may copy them.
    public struct Descriptor: Equatable, Sendable {
        /// What the socket is for.
        public enum Task: String, Equatable, Sendable, CaseIterable {
            /// It listens.
            case pooler
            case client
            case server
        }

        /// The file descriptor.
        public var fd: Int
        /// What it is for.
        public var task: Task
        /// The user; nil where there is none.
        public var user: String?
        /// The database; nil where there is none.
        public var database: String?
        /// The peer's address, of a listener our own; `unix` for a Unix socket.
        public var address: String
        /// The port that goes with it.
        public var port: Int
        /// The descriptor of the server that a client has, or the other way round; nil where there
        /// is none.
        public var link: Int?
        /// `client_encoding` of the session, where known.
        public var clientEncoding: String?
        /// `standard_conforming_strings` of the session, where known.
        public var standardConformingStrings: String?
        /// `DateStyle` of the session, where known.
        public var dateStyle: String?
        /// `TimeZone` of the session, where known.
        public var timeZone: String?

        /// Creates a row; what has no parameter is set afterwards where it is known.
        public init(
            fd: Int,
            task: Task,
            user: String?,
            database: String?,
            address: String,
            port: Int,
            link: Int?
        ) {
            self.fd = fd
            self.task = task
            self.user = user
            self.database = database
            self.address = address
            self.port = port
            self.link = link
        }
    }
}
