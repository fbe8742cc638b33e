/// Every limit on what a peer may send, each with its reason.
public enum Limits {
    /// The largest message that the protocol can express: an `Int32` length and the kind byte.
    public static let messageLengthMax = Int(Int32.max) + 1

    /// The largest startup packet; PostgreSQL's own limit (`MAX_STARTUP_PACKET_LENGTH`).
    public static let startupLengthMax = 10_000

    /// The largest message before login is done: a password, or a SASL step. PostgreSQL's own limit
    /// for these (`PG_MAX_AUTH_TOKEN_LENGTH`) is 65,535.
    public static let loginMessageLengthMax = 65_536

    /// The longest secret of a cancel key that protocol 3.2 knows.
    public static let cancelSecretMax = 256

    /// Startup parameters in one packet; a real driver sends about ten.
    public static let startupParametersMax = 256

    /// A name (database, user, statement, portal): PostgreSQL cuts identifiers at 63 bytes, poolers
    /// accept users to 127.
    public static let nameLengthMax = 127

    /// The longest ErrorResponse of a server that is collected to be read; a longer one is passed
    /// on unread.
    public static let errorLengthMax = 16_384
}
