import CLinux
import Glibc

extension SocketAddress {
    /// The numeric host, `127.0.0.1` or `::1`; the path of a Unix socket.
    public var host: String {
        switch self {
        case .ipv4(let address, _):
            let octets = (0..<4).map { String((address >> (24 - 8 * $0)) & 0xff) }
            return octets.joined(separator: ".")
        case .ipv6(let high, let low, let scope, _):
            let text = Self.text(high: high, low: low)
            return scope == 0 ? text : "\(text)%\(scope)"
        case .unix(let path):
            return path
        }
    }

    /// Reads `127.0.0.1:6432`, `[::1]:6432` or `unix:/path`; nothing that needs a look-up.
    public init?(parsing text: String) {
        if text.hasPrefix("unix:") {
            self = .unix(path: String(text.dropFirst(5)))
            return
        }
        guard let colon = text.lastIndex(of: ":"),
            let port = UInt16(text[text.index(after: colon)...])
        else {
            return nil
        }
        let host = text[..<colon]
        if host.hasPrefix("[") && host.hasSuffix("]") {
            self.init(host: String(host.dropFirst().dropLast()), port: port)
        } else if !host.contains(":") {
            self.init(host: String(host), port: port)
        } else {
            return nil
        }
    }

    /// A numeric host (IPv4 dotted quad or IPv6 without brackets) and a port.
    public init?(host: String, port: UInt16) {
        var four = in_addr()
        if unsafe inet_pton(AF_INET, host, &four) == 1 {
            self = .ipv4(UInt32(bigEndian: four.s_addr), port: port)
            return
        }
        let parts = host.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
        var six = in6_addr()
        guard let address = parts.first, unsafe inet_pton(AF_INET6, String(address), &six) == 1
        else {
            return nil
        }
        var scope: UInt32 = 0
        if parts.count == 2 {
            let zone = String(parts[1])
            scope = unsafe UInt32(zone) ?? if_nametoindex(zone)
            if scope == 0 {
                return nil
            }
        }
        let (high, low) = Self.halves(six)
        self = .ipv6(high: high, low: low, scope: scope, port: port)
    }

    /// The two halves of an address in network byte order.
    static func halves(_ address: in6_addr) -> (high: UInt64, low: UInt64) {
        unsafe withUnsafeBytes(of: address) { bytes in
            (
                UInt64(bigEndian: unsafe bytes.loadUnaligned(as: UInt64.self)),
                UInt64(bigEndian: unsafe bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            )
        }
    }

    /// The address in network byte order.
    static func address(high: UInt64, low: UInt64) -> in6_addr {
        var address = in6_addr()
        unsafe withUnsafeMutableBytes(of: &address) { bytes in
            unsafe bytes.storeBytes(of: high.bigEndian, as: UInt64.self)
            unsafe bytes.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
        }
        return address
    }

    private static func text(high: UInt64, low: UInt64) -> String {
        var address = self.address(high: high, low: low)
        let capacity = Int(INET6_ADDRSTRLEN)
        return unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: capacity) { text in
            guard let start = text.baseAddress,
                let end = unsafe inet_ntop(AF_INET6, &address, start, socklen_t(capacity))
            else {
                return "::"
            }
            return unsafe String(cString: end)
        }
    }
}
