/// The first packet of a connection, which has no kind byte.
public enum StartupRequest: Equatable, Sendable {
    /// SSLRequest.
    case ssl
    /// GSSENCRequest.
    case gss
    /// CancelRequest: which session, and the proof that the sender may.
    case cancel(CancelKey)
    /// StartupMessage of protocol 3.x.
    case startup(StartupParameters)

    /// Protocol 3.0 as it stands in a startup packet.
    static let version3: Int32 = 3 << 16
    /// What stands for the version in a CancelRequest.
    static let cancelCode: Int32 = 1234 << 16 | 5678
    private static let sslCode: Int32 = 1234 << 16 | 5679
    private static let gssCode: Int32 = 1234 << 16 | 5680
    private static let prefixLength = 8

    /// The length of the first packet at the start of `bytes`, or nil when its length field has not
    /// arrived.
    ///
    /// - Throws: `StartupError.invalidLength` as soon as the field says what cannot be, so that a
    ///   peer that speaks another protocol is told at once and nothing is collected for it.
    public static func length(in bytes: Span<UInt8>) throws(StartupError) -> Int? {
        guard bytes.count >= 4 else { return nil }
        let length = Int32(bitPattern: bytes.bigEndianUInt32(at: 0))
        guard length >= Self.prefixLength, length <= Limits.startupLengthMax else {
            throw .invalidLength(length)
        }
        return Int(length)
    }

    /// Reads one whole first packet: `bytes` from the length field to the last byte.
    public init(parsing bytes: Span<UInt8>) throws(StartupError) {
        guard let length = try Self.length(in: bytes), length == bytes.count else {
            throw .invalidLength(Int32(truncatingIfNeeded: bytes.count))
        }
        let code = Int32(bitPattern: bytes.bigEndianUInt32(at: 4))
        switch code {
        case Self.sslCode: self = .ssl
        case Self.gssCode: self = .gss
        case Self.cancelCode: self = .cancel(try CancelKey(parsing: bytes, at: Self.prefixLength))
        default:
            guard code >> 16 == 3 else {
                throw .unsupportedVersion(major: Int(code >> 16), minor: Int(code & 0xffff))
            }
            self = .startup(
                try StartupParameters(parsing: bytes, at: Self.prefixLength, minor: code & 0xffff)
            )
        }
    }
}
