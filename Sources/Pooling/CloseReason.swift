public import Wire

/// Why a connection ends. One table: what the log says, what a client is told, and how loudly.
public enum CloseReason: Equatable, Sendable {
    // Clients.
    case clientTerminated
    case clientVanished
    case clientIdleTimeout
    case loginTimeout
    case loginFailed
    case adminDisconnect
    case poolerShutdown
    case databaseRemoved
    case protocolViolation
    case unsupportedTransaction
    case suspendTimeout
    case pinTimeout
    case cancelDelivered
    // Servers.
    case serverCrashed
    case serverShutdown
    case serverIdleTimeout
    case serverLifetime
    case closeNeeded
    case evicted
    case paused
    case tooManyServers
    case noPermit
    case givenBack
    case connectFailed
    case serverLoginFailed
    case idleServerSpoke
    case recoveryFailed
    case recoveryTimeout
    case checkFailed
    case parametersFailed
    case serverInDoubt
    case queryTimeout
    case idleTransactionTimeout
    case transactionTimeout
    case serverViolation
    case ownerGone
    case streamEnded

    /// The words of the log line and, where a client is told, of the error's message.
    public var text: String {
        switch self {
        case .clientTerminated: "client close request"
        case .clientVanished: "client unexpected eof"
        case .clientIdleTimeout: "client_idle_timeout"
        case .loginTimeout: "client_login_timeout"
        case .loginFailed: "login failed"
        case .adminDisconnect: "admin forced disconnect"
        case .poolerShutdown: "pooler is shutting down"
        case .databaseRemoved: "database removed"
        case .protocolViolation: "protocol violation"
        case .unsupportedTransaction:
            "transaction blocks not allowed in statement pooling mode"
        case .suspendTimeout: "suspend_timeout"
        case .pinTimeout: "pin_timeout"
        case .cancelDelivered: "successfully sent cancel request"
        case .serverCrashed: "server conn crashed?"
        case .serverShutdown: "server shutting down"
        case .serverIdleTimeout: "server idle timeout"
        case .serverLifetime: "server lifetime over"
        case .closeNeeded: "database configuration changed"
        case .evicted: "evicted"
        case .paused: "pause mode"
        case .tooManyServers: "too many servers in the pool"
        case .noPermit: "no permit of the fleet's left"
        case .givenBack: "slot given back to the fleet"
        case .connectFailed: "connect failed"
        case .serverLoginFailed: "login failed"
        case .idleServerSpoke: "idle server got dirty"
        case .recoveryFailed: "reset query failed"
        case .recoveryTimeout: "client disconnected with query in progress"
        case .checkFailed: "test query failed"
        case .parametersFailed: "var change failed"
        case .serverInDoubt: "client disconnect while server was not ready"
        case .queryTimeout: "query timeout"
        case .idleTransactionTimeout: "idle transaction timeout"
        case .transactionTimeout: "transaction timeout"
        case .serverViolation: "server sent what the protocol does not allow here"
        case .ownerGone: "replication client has gone"
        case .streamEnded: "replication stream ended by the pooler"
        }
    }

    /// The SQLSTATE that goes with the text to a client that is told.
    public var sqlState: SQLState {
        switch self {
        case .clientIdleTimeout, .pinTimeout: .idleSessionTimeout
        case .loginTimeout, .protocolViolation: .protocolViolation
        case .loginFailed: .invalidPassword
        case .adminDisconnect, .poolerShutdown, .databaseRemoved, .suspendTimeout, .closeNeeded:
            .adminShutdown
        case .paused: .cannotConnectNow
        case .streamEnded: .adminShutdown
        case .unsupportedTransaction: .featureNotSupported
        case .queryTimeout: .queryCanceled
        case .idleTransactionTimeout: .idleInTransactionTimeout
        case .transactionTimeout: .transactionTimeout
        default: .connectionFailure
        }
    }

    /// Whether the client is told before its connection is closed.
    public var isTold: Bool {
        switch self {
        case .clientTerminated, .clientVanished, .cancelDelivered: false
        default: true
        }
    }

    /// What a client is told.
    public var fields: ErrorFields { ErrorFields(.fatal, self.sqlState, self.text) }
}
