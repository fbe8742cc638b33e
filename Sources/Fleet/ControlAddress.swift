/// How a PostgreSQL server is reached for control connections and checks (libpq, direct).
public struct ControlAddress: Equatable, Sendable {
    /// Host names, addresses or socket directories, in the order in which they are tried.
    public var hosts: [String]
    /// The port of every host.
    public var port: Int
    /// `ledger_database`.
    public var database: String
    /// `ledger_user`.
    public var user: String
    /// Its password; nil leaves it to libpq (`PGPASSFILE`, `~/.pgpass`).
    public var password: String?

    /// The same with one host, as if all had their turn.
    func single(_ turn: Int) -> ControlAddress {
        var single = self
        if self.hosts.count > 1 { single.hosts = [self.hosts[turn % self.hosts.count]] }
        return single
    }

    /// Creates an address.
    public init(
        hosts: [String],
        port: Int,
        database: String,
        user: String,
        password: String?
    ) {
        self.hosts = hosts
        self.port = port
        self.database = database
        self.user = user
        self.password = password
    }
}
