import CLinux
import Glibc

/// Opens listening sockets.
enum Listener {
    /// A descriptor that listens on `address`.
    ///
    /// Accepted connections inherit TCP options from their listener on Linux, so they are set
    /// here, once.
    static func open(
        _ address: SocketAddress,
        _ options: ListenOptions,
        isNonblocking: Bool
    ) throws(ReactorError) -> Int32 {
        guard address.fits else {
            throw .pathTooLong(address.host)
        }
        let descriptor = Syscalls.makeSocket(
            family: address.family,
            isNonblocking: isNonblocking
        )
        if descriptor < 0 {
            throw .system(call: "socket", errno: -descriptor)
        }
        do {
            try self.prepare(descriptor, address, options)
        } catch {
            Syscalls.close(descriptor)
            throw error
        }
        return descriptor
    }

    private static func prepare(
        _ descriptor: Int32,
        _ address: SocketAddress,
        _ options: ListenOptions
    ) throws(ReactorError) {
        if !address.isUnix {
            Syscalls.setOption(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
            if address.family == AF_INET6 {
                // So that 0.0.0.0 and :: can both be listened on.
                Syscalls.setOption(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 1)
            }
            if options.reusePort {
                Syscalls.setOption(descriptor, SOL_SOCKET, SO_REUSEPORT, 1)
            }
            if options.deferAccept {
                // Seconds after which a silent connection is reported all the same.
                Syscalls.setOption(descriptor, Int32(IPPROTO_TCP), TCP_DEFER_ACCEPT, 1)
            }
        }
        Syscalls.apply(options.accepted, to: descriptor, isTCP: !address.isUnix)
        try self.bind(descriptor, address)
        if case .unix(let path) = address, !path.hasPrefix("@") {
            let outcome = Syscalls.setOwner(path, mode: options.unixMode, group: options.unixGroup)
            if outcome < 0 {
                throw .system(call: "chmod or chown of \(path)", errno: -outcome)
            }
        }
        let outcome = Syscalls.listen(descriptor, backlog: options.backlog)
        if outcome < 0 {
            throw .system(call: "listen on \(address)", errno: -outcome)
        }
    }

    /// Binds, and takes over the file of a Unix socket on which nobody listens any more.
    private static func bind(
        _ descriptor: Int32,
        _ address: SocketAddress
    ) throws(ReactorError) {
        var outcome = Syscalls.bind(descriptor, to: address)
        if outcome == -EADDRINUSE, case .unix(let path) = address, !path.hasPrefix("@"),
            self.isAbandoned(address)
        {
            Syscalls.removeFile(path)
            outcome = Syscalls.bind(descriptor, to: address)
        }
        if outcome == -EADDRINUSE {
            throw .addressInUse(address)
        }
        if outcome < 0 {
            throw .system(call: "bind to \(address)", errno: -outcome)
        }
    }

    /// Whether a connection to a Unix socket is refused: its process is gone.
    private static func isAbandoned(_ address: SocketAddress) -> Bool {
        let probe = Syscalls.makeSocket(family: AF_UNIX, isNonblocking: true)
        if probe < 0 {
            return false
        }
        let outcome = Syscalls.connect(probe, to: address)
        Syscalls.close(probe)
        return outcome == -ECONNREFUSED
    }
}
