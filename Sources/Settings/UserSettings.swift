/// An entry of `[users]`; what is `nil` falls back to the database's or the global setting.
public struct UserSettings: Sendable, Equatable {
    /// When a server connection goes back to its pool.
    public var poolMode: PoolMode?
    /// Server connections of each of the user's pools; 0 = no limit.
    public var poolSize: Int?
    /// Extra server connections of a pool for when its clients wait long.
    public var reservePoolSize: Int?
    /// Server connections of the user over all databases; 0 = no limit.
    public var maxUserConnections: Int?
    /// Client connections of the user; 0 = no limit.
    public var maxUserClientConnections: Int?
    /// How long a query may take; never zero.
    public var queryTimeout: TimeSetting?
    /// How long a transaction may take; never zero.
    public var transactionTimeout: TimeSetting?
    /// How long a client may be idle inside a transaction; never zero.
    public var idleTransactionTimeout: TimeSetting?
    /// How long a client may be idle outside a transaction; never zero.
    public var clientIdleTimeout: TimeSetting?
    /// Duration from which the user's statements are logged.
    public var slowQueryThreshold: SlowQueryThreshold?
    /// What becomes of session state that no other server connection could have.
    public var sessionState: SessionState?
    /// Server connections of one pool that may be pinned; -1 = all but one, at least one.
    public var maxPinned: Int?
    /// How long a pinned client may be idle; 0 = no limit.
    public var pinTimeout: TimeSetting?
    /// How often an unnamed statement comes before it is prepared for all; 0 = never.
    public var prepareAnonymous: Int?

    /// Makes an entry in which nothing is set.
    public init() {}
}
