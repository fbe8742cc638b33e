/// SHA-256 of content that begins with a secret, for names that nobody can forge.
public enum ContentDigest {
    /// The 32 bytes of the digest of `secret` and `content`, one behind the other.
    ///
    /// - Parameter secret: of a fixed length, so that what is content is beyond doubt.
    public static func digest(secret: [UInt8], _ content: [UInt8]) -> [UInt8] {
        Crypto.sha256(secret + content)
    }
}
