import Pooling

/// The settings that apply to a client, resolved when it logs in and again on reload: one value for
/// all clients of a pool that are the same user.
final class ClientPolicy: Sendable {
    let mode: Pooling.PoolMode
    let queryTimeout: Nanoseconds
    let transactionTimeout: Nanoseconds
    let idleTransactionTimeout: Nanoseconds
    let clientIdleTimeout: Nanoseconds
    /// What becomes of what would tie it to its server.
    let sessionState: SessionStateRule
    /// How long it may be idle while it keeps a server; 0 for no limit.
    let pinTimeout: Nanoseconds
    /// How often an unnamed statement comes before it is prepared for all; 0 for never.
    let prepareAnonymous: Int
    /// Statements from this duration on are logged; nil for none.
    let slowThreshold: Nanoseconds?

    init(
        mode: Pooling.PoolMode,
        queryTimeout: Nanoseconds = 0,
        transactionTimeout: Nanoseconds = 0,
        idleTransactionTimeout: Nanoseconds = 0,
        clientIdleTimeout: Nanoseconds = 0,
        sessionState: SessionStateRule = .pin,
        pinTimeout: Nanoseconds = 0,
        prepareAnonymous: Int = 0,
        slowThreshold: Nanoseconds? = nil
    ) {
        self.mode = mode
        self.queryTimeout = queryTimeout
        self.transactionTimeout = transactionTimeout
        self.idleTransactionTimeout = idleTransactionTimeout
        self.clientIdleTimeout = clientIdleTimeout
        self.sessionState = sessionState
        self.pinTimeout = pinTimeout
        self.prepareAnonymous = prepareAnonymous
        self.slowThreshold = slowThreshold
    }

    /// That of a client which has no pool yet.
    static let unlimited = ClientPolicy(mode: .session)
}
