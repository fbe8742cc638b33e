/// How clients prove who they are; the raw values are the names in the configuration.
public enum ClientAuthMethod: String, Sendable, CaseIterable {
    /// No proof, but the user must be known.
    case trust

    /// No proof, and the name does not matter: the database entry has to name the server's user.
    case any

    /// The password in clear text; for encrypted connections.
    case plain

    /// PostgreSQL's salted MD5; a user whose secret is SCRAM gets SCRAM instead.
    case md5

    /// SCRAM-SHA-256, without channel binding.
    case scramSHA256 = "scram-sha-256"
}
