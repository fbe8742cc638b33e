import CLinux
import Glibc

extension Syscalls {
    static func makeSocket(family: Int32, isNonblocking: Bool) -> Int32 {
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let flag = isNonblocking ? Int32(SOCK_NONBLOCK.rawValue) : 0
        return self.result32 { socket(family, type | flag, 0) }
    }

    /// A connected pair of Unix stream sockets, both blocking.
    static func makeSocketPair() -> (first: Int32, second: Int32, error: Int32) {
        var pair: (Int32, Int32) = (-1, -1)
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let outcome = unsafe withUnsafeMutablePointer(to: &pair) { pointer in
            unsafe pointer.withMemoryRebound(to: Int32.self, capacity: 2) { descriptors in
                self.result32 { unsafe socketpair(AF_UNIX, type, 0, descriptors) }
            }
        }
        return (pair.0, pair.1, outcome)
    }

    static func bind(_ descriptor: Int32, to address: SocketAddress) -> Int32 {
        unsafe address.withSocketAddress { pointer, length in
            self.result32 { unsafe Glibc.bind(descriptor, pointer, length) }
        }
    }

    static func connect(_ descriptor: Int32, to address: SocketAddress) -> Int32 {
        unsafe address.withSocketAddress { pointer, length in
            self.result32 { unsafe Glibc.connect(descriptor, pointer, length) }
        }
    }

    static func listen(_ descriptor: Int32, backlog: Int32) -> Int32 {
        self.result32 { Glibc.listen(descriptor, backlog) }
    }

    /// A connection as a non-blocking descriptor, or a negative errno.
    static func accept(_ descriptor: Int32) -> Int32 {
        weir_accept(descriptor)
    }

    static func receive(
        _ descriptor: Int32,
        _ bytes: UnsafeMutableRawPointer,
        _ capacity: Int
    ) -> Int {
        self.result { unsafe recv(descriptor, bytes, capacity, 0) }
    }

    static func send(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
        let flags = Int32(MSG_NOSIGNAL)
        return self.result { unsafe Glibc.send(descriptor, bytes.baseAddress, bytes.count, flags) }
    }

    static func send(_ descriptor: Int32, _ message: UnsafePointer<msghdr>) -> Int {
        let flags = Int32(MSG_NOSIGNAL)
        return self.result { unsafe sendmsg(descriptor, message, flags) }
    }

    @discardableResult
    static func shutdownWrite(_ descriptor: Int32) -> Int32 {
        self.result32 { Glibc.shutdown(descriptor, Int32(SHUT_WR)) }
    }

    @discardableResult
    static func shutdownBoth(_ descriptor: Int32) -> Int32 {
        self.result32 { Glibc.shutdown(descriptor, Int32(SHUT_RDWR)) }
    }

    /// Bytes in the receive queue; 0 when the socket cannot say.
    static func unreadBytes(_ descriptor: Int32) -> Int {
        max(Int(weir_unread_bytes(descriptor)), 0)
    }

    // MARK: Options

    @discardableResult
    static func setOption(
        _ descriptor: Int32,
        _ level: Int32,
        _ name: Int32,
        _ value: Int32
    )
        -> Int32
    {
        var value = value
        return self.result32 { unsafe setsockopt(descriptor, level, name, &value, 4) }
    }

    static func option(_ descriptor: Int32, _ level: Int32, _ name: Int32) -> Int32 {
        var value: Int32 = 0
        var length = socklen_t(4)
        let outcome = self.result32 {
            unsafe getsockopt(descriptor, level, name, &value, &length)
        }
        return outcome < 0 ? outcome : value
    }

    /// The error that a connection attempt ended with, 0 for none.
    static func pendingError(_ descriptor: Int32) -> Int32 {
        let value = self.option(descriptor, SOL_SOCKET, SO_ERROR)
        return value < 0 ? -value : value
    }

    /// Sets what `options` ask for. A kernel that refuses one does without it.
    static func apply(_ options: SocketOptions, to descriptor: Int32, isTCP: Bool) {
        if options.socketBuffer > 0 {
            self.setOption(descriptor, SOL_SOCKET, SO_SNDBUF, options.socketBuffer)
            self.setOption(descriptor, SOL_SOCKET, SO_RCVBUF, options.socketBuffer)
        }
        if !isTCP {
            return
        }
        let tcp = Int32(IPPROTO_TCP)
        self.setOption(descriptor, tcp, TCP_NODELAY, options.noDelay ? 1 : 0)
        if options.userTimeout > 0 {
            self.setOption(descriptor, tcp, TCP_USER_TIMEOUT, options.userTimeout)
        }
        if !options.keepalive {
            return
        }
        self.setOption(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1)
        if options.keepIdle > 0 {
            self.setOption(descriptor, tcp, TCP_KEEPIDLE, options.keepIdle)
        }
        if options.keepInterval > 0 {
            self.setOption(descriptor, tcp, TCP_KEEPINTVL, options.keepInterval)
        }
        if options.keepCount > 0 {
            self.setOption(descriptor, tcp, TCP_KEEPCNT, options.keepCount)
        }
    }

    // MARK: Names

    static func localAddress(_ descriptor: Int32) -> SocketAddress? {
        unsafe SocketAddress { storage, length in
            self.result32 { unsafe getsockname(descriptor, storage, length) }
        }
    }

    static func remoteAddress(_ descriptor: Int32) -> SocketAddress? {
        unsafe SocketAddress { storage, length in
            self.result32 { unsafe getpeername(descriptor, storage, length) }
        }
    }

    static func peerCredentials(_ descriptor: Int32) -> (pid: Int32, uid: UInt32, gid: UInt32)? {
        var pid: Int32 = 0
        var uid: UInt32 = 0
        var gid: UInt32 = 0
        let outcome = unsafe weir_peer_credentials(descriptor, &pid, &uid, &gid)
        // On a TCP socket the call succeeds and says user -1. (A pid of 0 is a peer in another
        // container's namespace, whose user is known all the same.)
        if outcome < 0 || uid == .max {
            return nil
        }
        return (pid, uid, gid)
    }
}
