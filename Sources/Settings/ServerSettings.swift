/// An entry of `[servers]`: a PostgreSQL server, by all the addresses that it has, and how many
/// connections it is to get.
public struct ServerSettings: Sendable, Equatable {
    /// Host names, addresses or socket directories, as the entries of `[databases]` have them.
    public var hosts: [String] = []
    /// The port of every host; 5432 by default.
    public var port: Int = 5_432
    /// The connections that it may have; `nil` = the global `server_budget`.
    public var budget: BudgetSize?
    /// How many of those are left to others than Weir.
    public var reserve: Int = 0
    /// How large this process's part of them is beside those of others; 1 by default.
    public var weight: Int = 1

    /// Makes an entry in which nothing is set.
    public init() {}
}
