/// The byte of ReadyForQuery: where the session stands.
public enum TransactionStatus: UInt8, Equatable, Sendable {
    /// `I`: outside a transaction.
    case idle = 0x49
    /// `T`: inside a transaction.
    case transaction = 0x54
    /// `E`: inside a transaction that has failed; only its end is accepted.
    case failed = 0x45
}
