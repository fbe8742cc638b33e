/// A PostgreSQL server, and how many connections Weir may have there.
public struct ServerBudget: Sendable, Equatable {
    /// Its name in `[servers]`, or else its address.
    public let name: String
    /// Its host names, addresses or socket directories.
    public let hosts: [String]
    /// The port of every host.
    public let port: Int
    /// The connections that it may have, as the configuration says it.
    public let size: BudgetSize
    /// How many of those are left to others than Weir.
    public let reserve: Int
    /// How large a part of its process's is beside those of others; 1 is the usual one.
    public let weight: Int

    /// Where it is, in a text that another server does not have.
    public var address: String { "\(self.hosts.joined(separator: ",")):\(self.port)" }

    /// The connections that Weir may have.
    ///
    /// - Parameter capacity: what the server has said of itself; `nil` while it has said nothing.
    /// - Returns: 0 = no limit; `nil` = not known before the server has been asked.
    public func slots(of capacity: ServerCapacity?) -> Int? {
        let budget: Int
        switch self.size {
        case .slots(0):
            return 0
        case .slots(let slots):
            budget = slots
        case .percent(let percent):
            guard let capacity else { return nil }
            budget = min(capacity.maxConnections * percent / 100, capacity.available)
        case .auto:
            guard let capacity else { return nil }
            budget = capacity.available - Self.headRoom(of: capacity.available)
        }
        // None at all would be no limit.
        return max(1, budget - self.reserve)
    }

    /// What `auto` leaves to whoever does not come through Weir: people and their tools,
    /// migrations, monitoring. A tenth, since there are more of them around a larger server, and
    /// never less than one of each.
    private static func headRoom(of available: Int) -> Int { max(3, (available + 9) / 10) }
}
