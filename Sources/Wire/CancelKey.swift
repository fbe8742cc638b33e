/// What a client must show to cancel a session's query: the process ID and the secret of its
/// BackendKeyData.
public struct CancelKey: Hashable, Sendable {
    /// The process ID.
    public var processID: UInt32
    /// The secret.
    public var secret: UInt32

    /// Creates a key.
    public init(processID: UInt32, secret: UInt32) {
        self.processID = processID
        self.secret = secret
    }

    /// Reads the key that ends `bytes`, from `offset` on. Protocol 3.0 knows 4 bytes of secret
    /// only, and that is the version negotiated with every client; a longer one is none of ours.
    init(parsing bytes: Span<UInt8>, at offset: Int) throws(StartupError) {
        guard bytes.count == offset + 8 else { throw .invalidCancel }
        self.init(
            processID: bytes.bigEndianUInt32(at: offset),
            secret: bytes.bigEndianUInt32(at: offset + 4)
        )
    }
}
