import Glibc
import Logging
import Reactor
import Settings

/// Where clients come in.
extension Worker {
    func listen() throws(ReactorError) {
        let global = self.settings.global
        var options = ListenOptions()
        options.backlog = Int32(truncatingIfNeeded: global.listenBacklog)
        options.reusePort = global.soReuseport
        options.deferAccept = global.tcpDeferAccept != 0
        options.unixMode = UInt32(truncatingIfNeeded: global.unixSocketMode)
        options.unixGroup = try Self.group(global.unixSocketGroup)
        options.accepted = self.socketOptions
        for name in global.listenAddr {
            for address in try Self.addresses(name, port: global.listenPort) {
                try self.listen(on: address, options, isUnix: false)
            }
        }
        if !global.unixSocketDir.isEmpty {
            let path = "\(global.unixSocketDir)/.s.PGSQL.\(global.listenPort)"
            try self.listen(on: .unix(path: path), options, isUnix: true)
        }
    }

    private func listen(
        on address: SocketAddress,
        _ options: ListenOptions,
        isUnix: Bool
    ) throws(ReactorError) {
        let listener = try self.loop.listen(
            on: address,
            options: options,
            context: Role.listener.token(0)
        )
        self.listeners.append((listener, isUnix))
        self.logger.info(
            "listening on \(self.loop.localAddress(of: listener).logText(listening: address))"
        )
    }

    /// The addresses that an entry of `listen_addr` means; names are looked up, since nobody is
    /// served yet.
    private static func addresses(
        _ name: String,
        port: Int
    ) throws(ReactorError) -> [SocketAddress] {
        let port = UInt16(truncatingIfNeeded: port)
        let hosts = name == "*" ? ["0.0.0.0", "::"] : [name]
        var addresses: [SocketAddress] = []
        for host in hosts {
            if let address = SocketAddress(host: host, port: port) {
                addresses.append(address)
            } else {
                addresses += try Resolver.addressesNow(of: host).map { $0.withPort(port) }
            }
        }
        return addresses
    }

    /// The number of a group by its name or number; nil for none.
    private static func group(_ name: String) throws(ReactorError) -> UInt32? {
        if name.isEmpty { return nil }
        if let number = UInt32(name) { return number }
        guard let entry = unsafe getgrnam(name) else {
            throw .system(call: "unix_socket_group \(name)", errno: ENOENT)
        }
        return unsafe entry.pointee.gr_gid
    }

    /// The text of an errno.
    static func errorText(_ error: Int32) -> String {
        unsafe String(cString: strerror(error))
    }

    /// The user that the process runs as.
    static var effectiveUser: UInt32 { geteuid() }
}
