extension SettingTable {
    /// The keys of an entry of `[databases]`.
    static let database: [SettingDescriptor<DatabaseSettings>] = [
        .init("dbname", \.dbname, .optionalText),
        .init("host", \.hosts, .hosts),
        .init("port", \.port, .integer(1...65_535)),
        .init("user", \.user, .userName),
        .init("password", \.password, .password, secret: true),
        .init("pool_size", \.poolSize, .optional(.count)),
        .init("min_pool_size", \.minPoolSize, .optional(.count)),
        .init("reserve_pool_size", \.reservePoolSize, .optional(.count)),
        .init("max_db_connections", \.maxDbConnections, .optional(.count)),
        .init("max_db_client_connections", \.maxDbClientConnections, .optional(.count)),
        .init("server_lifetime", \.serverLifetime, .optional(.time, unless: .zero)),
        .init("pool_mode", \.poolMode, .optional(.names())),
        .init("load_balance_hosts", \.loadBalanceHosts, .names()),
        .init("connect_query", \.connectQuery, .optionalText),
        .init("client_encoding", \.clientEncoding, .optionalText),
        .init("datestyle", \.datestyle, .optionalText),
        .init("timezone", \.timezone, .optionalText),
        .init("application_name", \.applicationName, .optionalText),
        .init("slow_query_threshold", \.slowQueryThreshold, .optional(.slowQueryThreshold)),
        .init("session_state", \.sessionState, .optional(.names())),
        .init("max_pinned", \.maxPinned, .optional(.pinnedCount)),
        .init("pin_timeout", \.pinTimeout, .optional(.time)),
        .init("prepare_anonymous", \.prepareAnonymous, .optional(.count)),
    ]

    /// The keys of an entry of `[users]`.
    static let user: [SettingDescriptor<UserSettings>] = [
        .init("pool_mode", \.poolMode, .optional(.names())),
        .init("pool_size", \.poolSize, .optional(.count)),
        .init("reserve_pool_size", \.reservePoolSize, .optional(.count)),
        .init("max_user_connections", \.maxUserConnections, .optional(.count)),
        .init("max_user_client_connections", \.maxUserClientConnections, .optional(.count)),
        .init("query_timeout", \.queryTimeout, .optional(.time, unless: .zero)),
        .init("transaction_timeout", \.transactionTimeout, .optional(.time, unless: .zero)),
        .init(
            "idle_transaction_timeout",
            \.idleTransactionTimeout,
            .optional(.time, unless: .zero)
        ),
        .init("client_idle_timeout", \.clientIdleTimeout, .optional(.time, unless: .zero)),
        .init("slow_query_threshold", \.slowQueryThreshold, .optional(.slowQueryThreshold)),
        .init("session_state", \.sessionState, .optional(.names())),
        .init("max_pinned", \.maxPinned, .optional(.pinnedCount)),
        .init("pin_timeout", \.pinTimeout, .optional(.time)),
        .init("prepare_anonymous", \.prepareAnonymous, .optional(.count)),
    ]

    /// The keys of an entry of `[servers]`.
    static let server: [SettingDescriptor<ServerSettings>] = [
        .init("host", \.hosts, .hosts),
        .init("port", \.port, .integer(1...65_535)),
        .init("budget", \.budget, .optional(.limitingBudgetSize)),
        .init("reserve", \.reserve, .integer(0...1_000_000)),
        .init("weight", \.weight, .integer(1...1_000)),
    ]

    /// The keys of an entry of `[peers]`.
    static let peer: [SettingDescriptor<PeerSettings>] = [
        .init("host", \.hosts, .hosts),
        .init("port", \.port, .integer(1...65_535)),
        .init("pool_size", \.poolSize, .optional(.count)),
    ]

    /// Other names of keys of `[databases]` and `[users]`.
    static let entryAliases = ["reserve_pool": "reserve_pool_size"]

    /// Global keys that this version knows of but cannot do, and what to know about each.
    static let unsupportedGlobalKeys: [String: String] = {
        let keys = ["max_waiting", "http_listen"]
        return Dictionary(uniqueKeysWithValues: keys.map { ($0, notYet) })
    }()

    /// Keys of `[databases]` that PgBouncer has and this version cannot do.
    static let unsupportedDatabaseKeys: [String: String] = [
        "auth_user": noAuthQuery, "auth_query": noAuthQuery, "auth_dbname": noAuthQuery,
    ]

    /// What is said about keys of later versions.
    static let notYet = "the key is known but not supported by this version"
    /// What is said about everything that belongs to `auth_query`.
    static let noAuthQuery = "looking up secrets with auth_query is not supported by this version"
}

extension SettingKind where Value == String? {
    /// A user's name of at most as many bytes as PgBouncer takes.
    static var userName: SettingKind {
        SettingKind(
            expected: "a user name of 1 to \(SettingsLimits.userNameBytes) bytes",
            parse: { text in
                (1...SettingsLimits.userNameBytes).contains(text.utf8.count)
                    ? .value(text) : .invalid
            },
            show: { $0 ?? "" }
        )
    }
}

extension SettingKind where Value == Int {
    /// How many servers of a pool may be pinned.
    static var pinnedCount: SettingKind { .integer(-1...1_000_000) }
}

extension SettingKind where Value == RedactedText? {
    /// A password of at most as many bytes as PgBouncer takes.
    static var password: SettingKind {
        SettingKind(
            expected: "a password of 1 to \(SettingsLimits.passwordBytes) bytes",
            parse: { text in
                (1...SettingsLimits.passwordBytes).contains(text.utf8.count)
                    ? .value(RedactedText(text)) : .invalid
            },
            show: { $0?.description ?? "" }
        )
    }
}
