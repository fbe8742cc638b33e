import Proxy
import Settings

/// How many descriptors the process may come to use under its settings.
enum DescriptorNeed {
    /// Descriptors that are neither clients nor servers: listeners, the ring, logs, the pid file,
    /// name look-ups, console clients; those who come when the house is full; cancel requests.
    private static let own = 64 + Worker.strangersMax + Worker.cancelsMax

    /// Clients, servers and the rest.
    ///
    /// - Parameter users: how many users are known; each has a pool in each database that does not
    ///   force a user.
    static func descriptors(for settings: Settings, users: Int) -> Int {
        let global = settings.global
        let entries =
            Array(settings.databases.values) + [settings.fallbackDatabase].compactMap { $0 }
        var servers = 0
        for entry in entries {
            servers = Self.sum(servers, Self.servers(of: entry, settings, users: users))
        }
        if global.maxServerConnections > 0 { servers = min(servers, global.maxServerConnections) }
        return Self.sum(Self.sum(global.maxClientConn, servers), Self.own)
    }

    private static func servers(
        of entry: DatabaseSettings,
        _ settings: Settings,
        users: Int
    ) -> Int {
        let user = entry.user ?? ""
        let size = settings.poolSize(database: entry.name, user: user)
        let reserve = settings.reservePoolSize(database: entry.name, user: user)
        // A pool without a limit has at most a server for each client.
        let pool = size == 0 ? settings.global.maxClientConn : Self.sum(size, reserve)
        let (all, isTooMany) = pool.multipliedReportingOverflow(
            by: entry.user == nil ? max(users, 1) : 1
        )
        let limit = settings.maxDbConnections(database: entry.name)
        let servers = isTooMany ? Int.max : all
        return limit > 0 ? min(servers, limit) : servers
    }

    private static func sum(_ first: Int, _ second: Int) -> Int {
        let (sum, isTooLarge) = first.addingReportingOverflow(second)
        return isTooLarge ? .max : sum
    }
}
