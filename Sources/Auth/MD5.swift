/// PostgreSQL's MD5 password scheme.
///
/// It is weak and on its way out of PostgreSQL; it is here because user lists and servers still
/// have it. Every function returns nil where OpenSSL's provider has no MD5 (FIPS).
public enum MD5 {
    /// Returns what PostgreSQL stores after `md5`: hex(md5(password ‖ user)), 32 characters.
    public static func storedDigest(password: [UInt8], user: String) -> String? {
        var input = password + Array(user.utf8)
        defer { Crypto.wipe(&input) }
        return Self.hex(input)
    }

    /// Returns the answer to an MD5 request: `md5` and hex(md5(stored digest ‖ salt)).
    ///
    /// - Parameters:
    ///   - storedDigest: 32 hexadecimal characters, without the `md5` before them.
    ///   - salt: the four bytes of the request.
    public static func response(storedDigest: String, salt: [UInt8]) -> [UInt8]? {
        Self.hex(Array(storedDigest.utf8) + salt).map { Array("md5".utf8) + Array($0.utf8) }
    }

    /// Returns the digest of the bytes in lower-case hexadecimal.
    static func hex(_ bytes: [UInt8]) -> String? {
        let digits = Array("0123456789abcdef".utf8)
        guard let digest = Crypto.md5(bytes) else { return nil }
        let text = digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        return String(decoding: text, as: UTF8.self)
    }
}
