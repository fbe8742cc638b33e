import COpenSSL

/// The primitives of the login exchanges, from OpenSSL's libcrypto.
///
/// This is the only file of the target that calls C. Each call gets arrays whose lengths it is
/// told, and writes into an array made for the length of its result; that is why the `unsafe`
/// expressions are sound. SHA-256 can only fail for want of memory, so that is a trap; MD5 is
/// missing from FIPS providers, so that is a nil.
enum Crypto {
    /// The length of a SHA-256 digest, hence of every SCRAM key, in bytes.
    static let digestLength = 32

    /// The length of SHA-256's blocks, to which HMAC brings its keys, in bytes.
    private static let blockLength = 64

    /// SHA-256 as the provider has it, looked up by name once and not at each call.
    nonisolated(unsafe) private static let digest: OpaquePointer? =
        unsafe EVP_MD_fetch(nil, "SHA256", nil) ?? EVP_sha256()

    /// Returns the SHA-256 digest of the bytes.
    static func sha256(_ bytes: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: Self.digestLength)
        let done = unsafe EVP_Digest(bytes, bytes.count, &digest, nil, Self.digest, nil)
        guard done == 1 else { preconditionFailure("SHA-256 of \(bytes.count) bytes failed") }
        return digest
    }

    /// Returns HMAC-SHA-256 of the message: H(key ⊕ opad ‖ H(key ⊕ ipad ‖ message)), RFC 2104.
    ///
    /// Put together here from two digests, since OpenSSL's `HMAC` spends several times their work
    /// on looking up algorithms and making contexts; a login on the loop needs two of these.
    static func hmac(key: [UInt8], _ message: [UInt8]) -> [UInt8] {
        guard let context = unsafe EVP_MD_CTX_new() else {
            preconditionFailure("no context for HMAC of \(message.count) bytes")
        }
        defer { unsafe EVP_MD_CTX_free(context) }
        let key = key.count > Self.blockLength ? Self.sha256(key) : key
        let size = Self.blockLength
        return unsafe withUnsafeTemporaryAllocation(byteCount: size, alignment: 16) { pad in
            for index in 0..<size { unsafe pad[index] = 0x36 }
            for index in key.indices { unsafe pad[index] ^= key[index] }
            let inner = unsafe Self.sha256(context, UnsafeRawBufferPointer(pad), message)
            for index in 0..<size { unsafe pad[index] ^= 0x36 ^ 0x5C }
            let outer = unsafe Self.sha256(context, UnsafeRawBufferPointer(pad), inner)
            unsafe OPENSSL_cleanse(pad.baseAddress, size)
            return outer
        }
    }

    /// Returns the SHA-256 digest of two strings, one behind the other.
    private static func sha256(
        _ context: OpaquePointer,
        _ one: UnsafeRawBufferPointer,
        _ other: [UInt8]
    ) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: Self.digestLength)
        guard
            unsafe EVP_DigestInit_ex(context, Self.digest, nil) == 1,
            unsafe EVP_DigestUpdate(context, one.baseAddress, one.count) == 1,
            unsafe EVP_DigestUpdate(context, other, other.count) == 1,
            unsafe EVP_DigestFinal_ex(context, &digest, nil) == 1
        else { preconditionFailure("SHA-256 of \(one.count + other.count) bytes failed") }
        return digest
    }

    /// Returns PBKDF2-HMAC-SHA-256 of one digest's length.
    ///
    /// - Parameter iterations: 1 to `AuthLimits.iterations`.
    static func pbkdf2(password: [UInt8], salt: [UInt8], iterations: Int) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: Self.digestLength)
        let done = unsafe password.withUnsafeBytes { characters in
            unsafe PKCS5_PBKDF2_HMAC(
                characters.baseAddress?.assumingMemoryBound(to: CChar.self),
                Int32(characters.count),
                salt,
                Int32(salt.count),
                Int32(iterations),
                EVP_sha256(),
                Int32(Self.digestLength),
                &output
            )
        }
        guard done == 1 else { preconditionFailure("PBKDF2 of \(iterations) iterations failed") }
        return output
    }

    /// Returns the MD5 digest of the bytes, or nil where the provider has none (FIPS).
    static func md5(_ bytes: [UInt8]) -> [UInt8]? {
        var digest = [UInt8](repeating: 0, count: 16)
        guard unsafe EVP_Digest(bytes, bytes.count, &digest, nil, EVP_md5(), nil) == 1 else {
            // The error queue belongs to the thread: what stays in it would confuse its TLS.
            ERR_clear_error()
            return nil
        }
        return digest
    }

    /// Whether two byte strings are equal, in a time that depends on their lengths only.
    static func equal(_ one: [UInt8], _ other: [UInt8]) -> Bool {
        guard one.count == other.count else { return false }
        return unsafe CRYPTO_memcmp(one, other, one.count) == 0
    }

    /// Overwrites bytes that were secret, in a way that the compiler keeps.
    ///
    /// It reaches the storage only if nobody else holds it; copies are wiped by their holders.
    static func wipe(_ bytes: inout [UInt8]) {
        let count = bytes.count
        unsafe OPENSSL_cleanse(&bytes, count)
    }

    /// Returns the bitwise exclusive or of two strings of one length.
    static func xor(_ one: [UInt8], _ other: [UInt8]) -> [UInt8] {
        precondition(one.count == other.count, "xor of \(one.count) and \(other.count) bytes")
        var result = one
        for index in result.indices { result[index] ^= other[index] }
        return result
    }
}
