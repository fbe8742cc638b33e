/// What is told about one query that took longer than the threshold.
public struct SlowQueryRecord: Sendable, Equatable {
    /// When the query ended.
    public var time: Timestamp
    /// Microseconds from the query's arrival to its end.
    public var totalTime: UInt64
    /// Microseconds of those spent waiting for a server connection.
    public var waitTime: UInt64
    /// Microseconds of those spent on the server.
    public var serverTime: UInt64
    /// The client's user name.
    public var user: String
    /// The name of the database that the client asked for.
    public var database: String
    /// The client's address and port, as in log lines.
    public var client: String
    /// The client's `application_name`.
    public var applicationName: String
    /// Which of the two query protocols was used.
    public var queryProtocol: QueryProtocol
    /// The tag of the (last) CommandComplete without its numbers, e.g. `SELECT`; empty if none
    /// came.
    public var commandTag: String
    /// Rows returned or changed.
    public var rows: UInt64
    /// Bytes from the client.
    public var bytesIn: UInt64
    /// Bytes to the client.
    public var bytesOut: UInt64
    /// The SQLSTATE of the (first) error, nil if there was none.
    public var sqlState: String?
    /// The text as the client sent it: whatever bytes those are, in whatever encoding.
    public var statement: [UInt8]
    /// Whether the caller has already kept only the beginning of the text.
    public var isStatementTruncated: Bool
    /// The process ID of the server session; zero, shown as null, if the query never had a server.
    public var serverProcessID: Int32
    /// The `id` that the client has on the console; nil, shown as null, if it has none.
    public var clientID: UInt64?

    /// The protocol's two ways to send a query.
    public enum QueryProtocol: String, Sendable {
        /// One Query message.
        case simple
        /// Parse, Bind and Execute.
        case extended
    }

    /// Makes a record.
    public init(
        time: Timestamp,
        totalTime: UInt64,
        waitTime: UInt64,
        serverTime: UInt64,
        user: String,
        database: String,
        client: String,
        applicationName: String = "",
        queryProtocol: QueryProtocol,
        commandTag: String = "",
        rows: UInt64 = 0,
        bytesIn: UInt64 = 0,
        bytesOut: UInt64 = 0,
        sqlState: String? = nil,
        statement: [UInt8],
        isStatementTruncated: Bool = false,
        serverProcessID: Int32 = 0,
        clientID: UInt64? = nil
    ) {
        self.time = time
        self.totalTime = totalTime
        self.waitTime = waitTime
        self.serverTime = serverTime
        self.user = user
        self.database = database
        self.client = client
        self.applicationName = applicationName
        self.queryProtocol = queryProtocol
        self.commandTag = commandTag
        self.rows = rows
        self.bytesIn = bytesIn
        self.bytesOut = bytesOut
        self.sqlState = sqlState
        self.statement = statement
        self.isStatementTruncated = isStatementTruncated
        self.serverProcessID = serverProcessID
        self.clientID = clientID
    }
}
