import CLinux
import Glibc

extension SocketAddress {
    /// Bytes that a Unix socket's path may have: `sun_path` minus the end mark.
    static let longestPath = 107

    /// AF_INET, AF_INET6 or AF_UNIX.
    var family: Int32 {
        switch self {
        case .ipv4: AF_INET
        case .ipv6: AF_INET6
        case .unix: AF_UNIX
        }
    }

    /// Whether the kernel's structure has room for this address.
    var fits: Bool {
        if case .unix(let path) = self {
            return path.utf8.count <= Self.longestPath && !path.utf8.contains(0)
        }
        return true
    }

    /// Writes the kernel's form to `storage` and returns its length.
    ///
    /// A path that does not fit (`fits`) is cut off: it then names nothing that exists.
    func write(to storage: UnsafeMutablePointer<sockaddr_storage>) -> socklen_t {
        unsafe storage.pointee = sockaddr_storage()
        let raw = UnsafeMutableRawPointer(storage)
        switch self {
        case .ipv4(let address, let port):
            var value = sockaddr_in()
            value.sin_family = sa_family_t(AF_INET)
            value.sin_port = port.bigEndian
            value.sin_addr.s_addr = address.bigEndian
            unsafe raw.storeBytes(of: value, as: sockaddr_in.self)
            return socklen_t(MemoryLayout<sockaddr_in>.size)
        case .ipv6(let high, let low, let scope, let port):
            var value = sockaddr_in6()
            value.sin6_family = sa_family_t(AF_INET6)
            value.sin6_port = port.bigEndian
            value.sin6_scope_id = scope
            value.sin6_addr = Self.address(high: high, low: low)
            unsafe raw.storeBytes(of: value, as: sockaddr_in6.self)
            return socklen_t(MemoryLayout<sockaddr_in6>.size)
        case .unix(let path):
            return unsafe Self.write(path: path, to: raw)
        }
    }

    private static func write(path: String, to raw: UnsafeMutableRawPointer) -> socklen_t {
        unsafe raw.storeBytes(of: sa_family_t(AF_UNIX), as: sa_family_t.self)
        let start = MemoryLayout<sa_family_t>.size
        if path.isEmpty {
            return socklen_t(start)
        }
        let isAbstract = path.hasPrefix("@")
        var length = 0
        for byte in path.utf8.prefix(Self.longestPath) {
            let stored = isAbstract && length == 0 ? 0 : byte
            unsafe raw.storeBytes(of: stored, toByteOffset: start + length, as: UInt8.self)
            length += 1
        }
        // An abstract name ends with its length, a path with a zero byte.
        return socklen_t(start + length + (isAbstract ? 0 : 1))
    }

    /// Calls `body` with the kernel's form of this address.
    func withSocketAddress<Result>(
        _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        var storage = sockaddr_storage()
        let length = unsafe self.write(to: &storage)
        return unsafe withUnsafePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe body(address, length)
            }
        }
    }

    /// Asks the kernel for an address with a call like getsockname(2); `nil` when it fails.
    init?(
        asking call: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
    ) {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let outcome = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe call(address, &length)
            }
        }
        guard outcome >= 0 else {
            return nil
        }
        unsafe self.init(storage: &storage, length: Int(length))
    }

    /// The address in a kernel structure; `nil` for families that are neither IP nor Unix.
    ///
    /// IPv4 in IPv6 clothes (`::ffff:1.2.3.4`) becomes IPv4, so that rules written for it hold.
    init?(storage: UnsafePointer<sockaddr_storage>, length: Int) {
        let raw = unsafe UnsafeRawPointer(storage)
        switch Int32(unsafe storage.pointee.ss_family) {
        case AF_INET:
            let value = unsafe raw.load(as: sockaddr_in.self)
            self = .ipv4(
                UInt32(bigEndian: value.sin_addr.s_addr),
                port: UInt16(bigEndian: value.sin_port)
            )
        case AF_INET6:
            let value = unsafe raw.load(as: sockaddr_in6.self)
            let port = UInt16(bigEndian: value.sin6_port)
            let (high, low) = Self.halves(value.sin6_addr)
            if high == 0 && low >> 32 == 0xffff {
                self = .ipv4(UInt32(truncatingIfNeeded: low), port: port)
            } else {
                self = .ipv6(high: high, low: low, scope: value.sin6_scope_id, port: port)
            }
        case AF_UNIX:
            unsafe self = .unix(path: Self.path(raw, length: length))
        default:
            return nil
        }
    }

    private static func path(_ raw: UnsafeRawPointer, length: Int) -> String {
        let start = MemoryLayout<sa_family_t>.size
        guard length > start else {
            return ""
        }
        var bytes = unsafe [UInt8](
            UnsafeRawBufferPointer(start: raw + start, count: length - start)
        )
        if bytes[0] == 0 {
            bytes[0] = UInt8(ascii: "@")
        } else if let end = bytes.firstIndex(of: 0) {
            bytes.removeSubrange(end...)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
