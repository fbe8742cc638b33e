/// Where a socket listens or connects to.
public enum SocketAddress: Hashable, Sendable {
    /// An IPv4 address in host byte order.
    case ipv4(UInt32, port: UInt16)
    /// An IPv6 address as two halves in host byte order, the first eight bytes first.
    case ipv6(high: UInt64, low: UInt64, scope: UInt32, port: UInt16)
    /// A path in the file system, or `@name` for Linux's abstract names. Empty: unnamed.
    case unix(path: String)

    /// Any IPv4 address of this machine.
    public static func anyIPv4(port: UInt16) -> SocketAddress {
        .ipv4(0, port: port)
    }

    /// 127.0.0.1.
    public static func loopback(port: UInt16) -> SocketAddress {
        .ipv4(0x7f00_0001, port: port)
    }

    /// The TCP port; 0 for a Unix socket.
    public var port: UInt16 {
        switch self {
        case .ipv4(_, let port), .ipv6(_, _, _, let port): port
        case .unix: 0
        }
    }

    /// Whether this is a Unix socket.
    public var isUnix: Bool {
        if case .unix = self {
            return true
        }
        return false
    }

    /// The same address with another port; a Unix socket stays as it is.
    public func withPort(_ port: UInt16) -> SocketAddress {
        switch self {
        case .ipv4(let address, _):
            .ipv4(address, port: port)
        case .ipv6(let high, let low, let scope, _):
            .ipv6(high: high, low: low, scope: scope, port: port)
        case .unix:
            self
        }
    }

    /// Whether the two name the same host, whatever the ports.
    public func hasSameHost(as other: SocketAddress) -> Bool {
        self.withPort(0) == other.withPort(0)
    }
}

extension SocketAddress: CustomStringConvertible {
    /// `127.0.0.1:6432`, `[::1]:6432` or `unix:/tmp/.s.PGSQL.6432`.
    public var description: String {
        switch self {
        case .ipv4(_, let port): "\(self.host):\(port)"
        case .ipv6(_, _, _, let port): "[\(self.host)]:\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }
}
