/// The bounds on what a login may cost, each with its reason.
///
/// Everything here guards against a peer or a stored text; nothing is a tuning knob.
public enum AuthLimits {
    /// The longest password in bytes, in a password message or in a stored secret.
    ///
    /// PostgreSQL reads password messages up to 65,535 bytes; cloud tokens used as passwords take
    /// a few kilobytes.
    public static let passwordLength = 65_535

    /// The longest user name of a user list in bytes: what PgBouncer takes.
    public static let userNameLength = 127

    /// The longest SASL message of a client in bytes, as in PostgreSQL.
    ///
    /// Real ones have about 100.
    public static let clientSASLMessageLength = 1_024

    /// The longest authentication request of a server in bytes; real ones have about 100.
    public static let serverMessageLength = 8_192

    /// The most PBKDF2 iterations in a stored secret, a setting or a server's challenge.
    ///
    /// PostgreSQL's default is 4,096. A million take a good part of a second of CPU time, which
    /// is what one hostile server, or one role that stored a hash of its own, can cost per login.
    public static let iterations = 1_000_000

    /// The longest salt in bytes; PostgreSQL's have 16.
    public static let saltLength = 1_024

    /// The fewest random bytes behind a SCRAM nonce: what PostgreSQL uses.
    public static let nonceEntropy = 18

    /// The fewest bytes of the process secret that mock salts come from.
    public static let mockKeyLength = 16
}
