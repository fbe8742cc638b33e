/// The keys of every section: the one place that says how each is read, shown and changed.
///
/// Loading, `SHOW CONFIG`, `SET`, reloads and the test of `docs/configuration.md` all walk these
/// tables. A key's default is the one of the property that it names.
enum SettingTable {
    /// The keys of `[weir]` in PgBouncer's order of `SHOW CONFIG`, what is new behind them.
    static let global: [GlobalSetting] =
        Self.keysAToC + Self.keysDToM + Self.keysPToServerLogin + Self.keysServerResetToV
        + Self.newKeys

    /// The place of each global key in ``global``.
    static let globalIndex: [String: Int] = Dictionary(
        uniqueKeysWithValues: Self.global.enumerated().map { ($0.element.name, $0.offset) }
    )

    /// A key of `[weir]`.
    typealias GlobalSetting = SettingDescriptor<GlobalSettings>

    private static let noTLS = "TLS is not supported by this version"
    private static let noUser = "it needs auth_user, which is not supported by this version"

    private static let keysAToC: [GlobalSetting] = [
        .init("admin_users", \.adminUsers, .list),
        .init("application_name_add_host", \.applicationNameAddHost, .flag),
        .init(
            "auth_dbname",
            \.authDbname,
            .optionalText,
            showsDefault: false,
            noEffect: Self.noUser
        ),
        .init("auth_file", \.authFile, .optionalText, showsDefault: false),
        .init(
            "auth_hba_file",
            \.authHBAFile,
            .text,
            noEffect: "HBA rules are not supported by this version"
        ),
        .init(
            "auth_ident_file",
            \.authIdentFile,
            .optionalText,
            showsDefault: false,
            noEffect: "HBA rules are not supported by this version"
        ),
        .init(
            "auth_ldap_options",
            \.authLDAPOptions,
            .optionalText,
            showsDefault: false,
            secret: true,
            noEffect: "LDAP is not supported by this version"
        ),
        .init("auth_query", \.authQuery, .text, noEffect: Self.noUser),
        .init("auth_type", \.authType, .names()),
        .init("auth_user", \.authUser, .optionalText, showsDefault: false),
        .init("autodb_idle_timeout", \.autodbIdleTimeout, .time),
        .init("cancel_wait_timeout", \.cancelWaitTimeout, .time),
        .init("client_idle_timeout", \.clientIdleTimeout, .time),
        .init("client_login_timeout", \.clientLoginTimeout, .time),
        .init(
            "client_tls13_ciphers",
            \.clientTLS13Ciphers,
            .optionalText,
            showsDefault: false,
            noEffect: Self.noTLS
        ),
        .init("client_tls_ca_file", \.clientTLSCAFile, .text, noEffect: Self.noTLS),
        .init("client_tls_cert_file", \.clientTLSCertFile, .text, noEffect: Self.noTLS),
        .init("client_tls_ciphers", \.clientTLSCiphers, .text, noEffect: Self.noTLS),
        .init("client_tls_dheparams", \.clientTLSDheparams, .text, noEffect: Self.noTLS),
        .init("client_tls_ecdhcurve", \.clientTLSEcdhcurve, .text, noEffect: Self.noTLS),
        .init("client_tls_key_file", \.clientTLSKeyFile, .text, noEffect: Self.noTLS),
        .init("client_tls_protocols", \.clientTLSProtocols, .text, noEffect: Self.noTLS),
        .init("client_tls_sslmode", \.clientTLSMode, .names()),
        .init("conffile", \.conffile, .optionalText, showsDefault: false),
    ]

    private static let keysDToM: [GlobalSetting] = [
        .init("default_pool_size", \.defaultPoolSize, .count),
        .init("disable_pqexec", \.disablePqexec, .flag, reloadable: false),
        .init("dns_max_ttl", \.dnsMaxTtl, .time),
        .init("dns_nxdomain_ttl", \.dnsNxdomainTtl, .time),
        .init(
            "dns_zone_check_period",
            \.dnsZoneCheckPeriod,
            .time,
            noEffect: "zones are not polled, names are looked up again after dns_max_ttl"
        ),
        .init("idle_transaction_timeout", \.idleTransactionTimeout, .time),
        .init("ignore_startup_parameters", \.ignoreStartupParameters, .list),
        .init(
            "job_name",
            \.jobName,
            .text,
            reloadable: false,
            noEffect: "it names a Windows service"
        ),
        .init("listen_addr", \.listenAddr, .list, reloadable: false),
        .init("listen_backlog", \.listenBacklog, .count, reloadable: false),
        .init("listen_port", \.listenPort, .integer(1...65_535), reloadable: false),
        .init("log_connections", \.logConnections, .flag),
        .init("log_disconnections", \.logDisconnections, .flag),
        .init("log_pooler_errors", \.logPoolerErrors, .flag),
        .init("log_stats", \.logStats, .flag),
        .init("logfile", \.logfile, .text),
        .init("max_client_conn", \.maxClientConn, .count),
        .init("max_db_client_connections", \.maxDbClientConnections, .count),
        .init("max_db_connections", \.maxDbConnections, .count),
        .init("max_packet_size", \.maxPacketSize, .integer(0...4_294_967_295)),
        .init("max_prepared_statements", \.maxPreparedStatements, .count),
        .init("max_user_client_connections", \.maxUserClientConnections, .count),
        .init("max_user_connections", \.maxUserConnections, .count),
        .init("min_pool_size", \.minPoolSize, .count),
    ]

    private static let keysPToServerLogin: [GlobalSetting] = [
        .init("peer_id", \.peerID, .integer(0...16_383)),
        .init("pidfile", \.pidfile, .text, reloadable: false),
        .init(
            "pkt_buf",
            \.pktBuf,
            .count,
            reloadable: false,
            noEffect: "buffers belong to the event engine"
        ),
        .init("pool_mode", \.poolMode, .names()),
        .init("query_timeout", \.queryTimeout, .time),
        .init("query_wait_notify", \.queryWaitNotify, .seconds),
        .init("query_wait_timeout", \.queryWaitTimeout, .time),
        .init("reserve_pool_size", \.reservePoolSize, .count),
        .init("reserve_pool_timeout", \.reservePoolTimeout, .time),
        .init(
            "resolv_conf",
            \.resolvConf,
            .text,
            reloadable: false,
            noEffect: "the system's resolver is used"
        ),
        .init(
            "sbuf_loopcnt",
            \.sbufLoopcnt,
            .count,
            noEffect: "the event engine shares turns by itself"
        ),
        .init("scram_iterations", \.scramIterations, .integer(1...10_000_000)),
        .init("server_check_delay", \.serverCheckDelay, .time),
        .init("server_check_query", \.serverCheckQuery, .text),
        .init("server_connect_timeout", \.serverConnectTimeout, .time),
        .init("server_fast_close", \.serverFastClose, .flag),
        .init("server_idle_timeout", \.serverIdleTimeout, .time),
        .init("server_lifetime", \.serverLifetime, .time),
        .init("server_login_retry", \.serverLoginRetry, .time),
    ]

    private static let keysServerResetToV: [GlobalSetting] = [
        .init("server_reset_query", \.serverResetQuery, .text),
        .init("server_reset_query_always", \.serverResetQueryAlways, .flag),
        .init("server_round_robin", \.serverRoundRobin, .flag),
        .init(
            "server_tls13_ciphers",
            \.serverTLS13Ciphers,
            .optionalText,
            showsDefault: false,
            noEffect: Self.noTLS
        ),
        .init("server_tls_ca_file", \.serverTLSCAFile, .text, noEffect: Self.noTLS),
        .init("server_tls_cert_file", \.serverTLSCertFile, .text, noEffect: Self.noTLS),
        .init("server_tls_ciphers", \.serverTLSCiphers, .text, noEffect: Self.noTLS),
        .init("server_tls_key_file", \.serverTLSKeyFile, .text, noEffect: Self.noTLS),
        .init("server_tls_protocols", \.serverTLSProtocols, .text, noEffect: Self.noTLS),
        .init("server_tls_sslmode", \.serverTLSMode, .names()),
        .init("so_reuseport", \.soReuseport, .flag, reloadable: false),
        .init("stats_period", \.statsPeriod, .seconds),
        .init("stats_users", \.statsUsers, .list),
        .init("suspend_timeout", \.suspendTimeout, .time),
        .init("syslog", \.syslog, .flag),
        .init("syslog_facility", \.syslogFacility, .text),
        .init("syslog_ident", \.syslogIdent, .text),
        .init("tcp_defer_accept", \.tcpDeferAccept, .count),
        .init("tcp_keepalive", \.tcpKeepalive, .flag),
        .init("tcp_keepcnt", \.tcpKeepcnt, .count),
        .init("tcp_keepidle", \.tcpKeepidle, .count),
        .init("tcp_keepintvl", \.tcpKeepintvl, .count),
        .init("tcp_socket_buffer", \.tcpSocketBuffer, .count),
        .init("tcp_user_timeout", \.tcpUserTimeout, .count),
        .init("track_extra_parameters", \.trackExtraParameters, .list, reloadable: false),
        .init("transaction_timeout", \.transactionTimeout, .time),
        .init("unix_socket_dir", \.unixSocketDir, .text, reloadable: false),
        .init("unix_socket_group", \.unixSocketGroup, .text, reloadable: false),
        .init("unix_socket_mode", \.unixSocketMode, .fileMode, reloadable: false),
        .init("user", \.user, .optionalText, reloadable: false, showsDefault: false),
        .init("verbose", \.verbose, .integer(0...3), showsDefault: false),
    ]

    private static let newKeys: [GlobalSetting] = [
        .init("workers", \.workers, .integer(0...64), reloadable: false),
        .init("event_engine", \.eventEngine, .names(), reloadable: false),
        .init("max_server_connections", \.maxServerConnections, .count),
        .init("server_budget", \.serverBudget, .budgetSize),
        .init("budget_ledger", \.budgetLedger, .names(), reloadable: false),
        .init("fleet_name", \.fleetName, .fleetName, reloadable: false),
        .init("node_name", \.nodeName, .nodeName, reloadable: false),
        .init("ledger_database", \.ledgerDatabase, .text, reloadable: false),
        .init("ledger_user", \.ledgerUser, .text, reloadable: false),
        .init("control_reserve", \.controlReserve, .integer(0...10_000), reloadable: false),
        .init("etcd_endpoints", \.etcdEndpoints, .endpoints, reloadable: false),
        .init("etcd_user", \.etcdUser, .text, reloadable: false),
        .init("etcd_password", \.etcdPassword, .optionalPassword, reloadable: false, secret: true),
        .init("etcd_ca_file", \.etcdCAFile, .text, reloadable: false),
        .init("etcd_cert_file", \.etcdCertFile, .text, reloadable: false),
        .init("etcd_key_file", \.etcdKeyFile, .text, reloadable: false),
        .init("budget_fence", \.budgetFence, .names(), reloadable: false),
        .init("server_close_timeout", \.serverCloseTimeout, .positiveTime),
        .init("server_login_parallelism", \.serverLoginParallelism, .integer(1...1_000)),
        .init("database_down_timeout", \.databaseDownTimeout, .time),
        .init("session_state", \.sessionState, .names()),
        .init("max_pinned", \.maxPinned, .pinnedCount),
        .init("pin_timeout", \.pinTimeout, .time),
        .init("prepare_anonymous", \.prepareAnonymous, .count),
        .init("slow_query_threshold", \.slowQueryThreshold, .slowQueryThreshold),
        .init("slow_query_log", \.slowQueryLog, .text),
        .init("slow_query_format", \.slowQueryFormat, .slowQueryFormat),
    ]
}
