/// What a client must show to cancel a session's query: the process ID and the secret of its
/// BackendKeyData.
public struct CancelKey: Equatable, Sendable {
    /// The process ID.
    public var processID: UInt32
    /// The secret: 4 bytes in protocol 3.0, `Limits.cancelSecretMax` at most since 3.2.
    public var secret: [UInt8]

    /// Creates a key.
    public init(processID: UInt32, secret: [UInt8]) {
        self.processID = processID
        self.secret = secret
    }

    /// Reads the key that ends `bytes`, from `offset` on. A client of protocol 3.0 may be asked to
    /// cancel by one of 3.2 and the other way round, so the length says nothing of the version.
    init(parsing bytes: Span<UInt8>, at offset: Int) throws(StartupError) {
        let start = offset + 4
        guard bytes.count > start, bytes.count - start <= Limits.cancelSecretMax else {
            throw .invalidCancel
        }
        self.init(
            processID: bytes.bigEndianUInt32(at: offset),
            secret: bytes.copy(start..<bytes.count)
        )
    }
}
