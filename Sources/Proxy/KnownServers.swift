import Settings

/// The PostgreSQL servers that the process has known, by their places among the caps.
///
/// A server is told by its addresses and not by its name: one that is renamed keeps its place, and
/// with it its connections and its seat in the fleet, and a name that goes to other addresses is
/// another server. Nothing is ever renumbered.
struct KnownServers {
    /// Each server as the settings had it last.
    private(set) var servers: [ServerBudget] = []
    /// The places of those that the settings in force have.
    private(set) var inForce: Set<Int> = []
    private var places: [String: Int] = [:]

    /// Finds the places of the servers that new settings have.
    mutating func follow(_ servers: [ServerBudget]) {
        var taken: Set<Int> = []
        var places = servers.map { server in
            self.places[server.address].flatMap { taken.insert($0).inserted ? $0 : nil }
        }
        for (index, server) in servers.enumerated() where places[index] == nil {
            let place = self.place(like: server, exceptFor: taken) ?? self.add(server)
            taken.insert(place)
            places[index] = place
        }
        for (server, place) in zip(servers, places.compactMap { $0 }) {
            self.servers[place] = server
            self.places[server.address] = place
        }
        self.inForce = taken
    }

    /// The place of a server, which it gets when it comes for the first time.
    mutating func place(of server: ServerBudget) -> Int {
        self.places[server.address] ?? self.add(server)
    }

    /// The place that a server has had under other addresses, of which it has kept some.
    private func place(like server: ServerBudget, exceptFor taken: Set<Int>) -> Int? {
        self.inForce.sorted().first { place in
            let known = self.servers[place]
            return !taken.contains(place) && known.port == server.port
                && known.hosts.contains { server.hosts.contains($0) }
        }
    }

    private mutating func add(_ server: ServerBudget) -> Int {
        let place = self.servers.count
        self.servers.append(server)
        self.places[server.address] = place
        return place
    }
}
