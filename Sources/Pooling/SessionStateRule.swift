/// What becomes of what ties a client to its server.
public enum SessionStateRule: Equatable, Sendable {
    /// The client keeps the server until it is gone.
    case pin
    /// The server is reset before the next client gets it.
    case reset
    /// Statements that are for it are refused.
    case reject
    /// Nobody asks.
    case ignore
}
