import Reactor

extension SocketAddress {
    /// The address as PgBouncer's log lines have it: `host:port`, `[host]:port`, or `unix:port`.
    func logText(listening: SocketAddress) -> String {
        switch self {
        case .unix: "unix:\(listening.socketPort)"
        default: self.description
        }
    }

    /// The port; for a Unix socket the number at the end of its path.
    var socketPort: Int {
        guard case .unix(let path) = self else { return Int(self.port) }
        return path.split(separator: ".").last.flatMap { Int($0) } ?? 0
    }

    /// The host as the console shows it.
    var consoleHost: String {
        if case .unix = self { return "unix" }
        return self.host
    }
}
