import Auth
import Fleet
import Settings

extension ControlAddress {
    /// How Weir's own connections reach a server.
    ///
    /// - Parameters:
    ///   - password: that of the configuration's entry; without it, one that `users` has in plain
    ///     text, or whatever libpq finds (`PGPASSFILE`).
    init(
        of server: ServerBudget,
        database: String,
        user: String,
        password: RedactedText?,
        _ users: UserList
    ) {
        var known = password?.exposed
        if known == nil, case .plain(let text)? = users.secret(of: user), !text.isEmpty {
            known = text
        }
        self.init(
            hosts: server.hosts,
            port: server.port,
            database: database,
            user: user,
            password: known
        )
    }
}
