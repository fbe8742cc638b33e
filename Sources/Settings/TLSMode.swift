/// PgBouncer's `sslmode` names.
///
/// This version speaks plain TCP, so only the modes that permit that load.
public enum TLSMode: String, Sendable, Equatable, CaseIterable {
    /// Never TLS.
    case disable
    /// TLS if the other side asks for it.
    case allow
    /// TLS if the other side can.
    case prefer
    /// TLS or no connection. Refused by this version.
    case require
    /// TLS with a certificate that a known authority signed. Refused by this version.
    case verifyCA = "verify-ca"
    /// As `verify-ca`, and the host name must match. Refused by this version.
    case verifyFull = "verify-full"
}
