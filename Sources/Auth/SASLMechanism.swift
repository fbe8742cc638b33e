/// The names of SASL mechanisms on the wire.
enum SASLMechanism {
    /// SCRAM with SHA-256 and without channel binding (RFC 7677).
    static let scramSHA256 = Array("SCRAM-SHA-256".utf8)
}
