import Glibc
import Logging
import Reactor

/// Where clients come in.
extension Worker {
    func listen() throws(ReactorError) {
        let global = self.settings.global
        var options = ListenOptions()
        options.backlog = Int32(truncatingIfNeeded: global.listenBacklog)
        options.reusePort = global.soReuseport
        options.deferAccept = global.tcpDeferAccept != 0
        options.unixMode = UInt32(truncatingIfNeeded: global.unixSocketMode)
        options.socketOptions = self.socketOptions
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
        self.logger.info("listening on \(self.loop.localAddress(of: listener).logText(listening: address))")
    }
}
