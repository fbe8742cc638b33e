/// SASLprep (RFC 4013) as far as it matters for reaching the same keys as PostgreSQL.
enum PasswordPreparation {
    /// Returns the bytes that are hashed for a password.
    static func prepare(_ password: [UInt8]) -> [UInt8] {
        password
    }
}
