/// How clients prove who they are, with PgBouncer's names.
public enum AuthType: String, Sendable, Equatable, CaseIterable {
    /// Nobody proves anything and the user name is ignored; the database must force a user.
    case any
    /// The user must exist, nothing is proved.
    case trust
    /// The password travels in the clear.
    case plain
    /// MD5 challenge, or SCRAM where the stored secret is a SCRAM one.
    case md5
    /// SCRAM-SHA-256.
    case scramSHA256 = "scram-sha-256"
    /// A TLS client certificate. Known, but refused by this version.
    case cert
    /// Rules from `auth_hba_file`. Known, but refused by this version.
    case hba
    /// An LDAP server. Known, but refused by this version.
    case ldap
    /// PAM. Known, but refused by this version.
    case pam
}
