import Pooling

/// The settings that apply to one client, resolved when it logs in and again on reload.
struct ClientPolicy {
    var mode = Pooling.PoolMode.session
    var queryTimeout: Nanoseconds = 0
    var transactionTimeout: Nanoseconds = 0
    var idleTransactionTimeout: Nanoseconds = 0
    var clientIdleTimeout: Nanoseconds = 0
    /// What becomes of what would tie it to its server.
    var sessionState = SessionStateRule.pin
    /// How long it may be idle while it keeps a server; 0 for no limit.
    var pinTimeout: Nanoseconds = 0
    /// How often an unnamed statement comes before it is prepared for all; 0 for never.
    var prepareAnonymous = 0
    /// Statements from this duration on are logged; nil for none.
    var slowThreshold: Nanoseconds?
}
