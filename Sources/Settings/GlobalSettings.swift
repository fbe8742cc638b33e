/// The settings of the `[weir]` (or `[pgbouncer]`) section, one property a key.
///
/// A property is the key in camel case and starts at the key's default. The keys come in the order
/// of `SHOW CONFIG`; ``SettingTable`` says how each is read, shown and changed.
public struct GlobalSettings: Sendable, Equatable {
    /// Users who may do everything on the admin console; empty by default.
    public var adminUsers: [String] = []
    /// Whether the client's address is appended to `application_name` at login; off by default.
    public var applicationNameAddHost: Bool = false
    /// Database entry in which `auth_query` would run; without effect.
    public var authDbname: String?
    /// File of users and secrets; none by default.
    public var authFile: String?
    /// HBA rules; without effect while `auth_type = hba` is refused.
    public var authHBAFile: String = ""
    /// User name maps for HBA rules; without effect.
    public var authIdentFile: String?
    /// LDAP options; without effect.
    public var authLDAPOptions: String?
    /// Query that would fetch a secret for `auth_user`; without effect.
    public var authQuery: String = GlobalSettings.pgBouncerAuthQuery
    /// How clients prove who they are; `md5` by default.
    public var authType: AuthType = .md5
    /// User who would run `auth_query`; refused when set.
    public var authUser: String?
    /// How long a database made from `*` is remembered unused; 3600 s.
    public var autodbIdleTimeout: TimeSetting = .seconds(3_600)
    /// How long a cancel request may wait to be sent; 10 s, 0 = no limit.
    public var cancelWaitTimeout: TimeSetting = .seconds(10)
    /// How long a client may be idle outside a transaction; 0 = no limit.
    public var clientIdleTimeout: TimeSetting = .zero
    /// How long a login may take; 60 s, 0 = no limit.
    public var clientLoginTimeout: TimeSetting = .seconds(60)
    /// TLS 1.3 suites for clients; without effect.
    public var clientTLS13Ciphers: String?
    /// Authority for client certificates; without effect.
    public var clientTLSCAFile: String = ""
    /// Own certificate; without effect.
    public var clientTLSCertFile: String = ""
    /// Ciphers up to TLS 1.2 for clients; without effect.
    public var clientTLSCiphers: String = "default"
    /// DHE parameters; without effect.
    public var clientTLSDheparams: String = "auto"
    /// ECDH curve; without effect.
    public var clientTLSEcdhcurve: String = "auto"
    /// Own private key; without effect.
    public var clientTLSKeyFile: String = ""
    /// TLS versions for clients; without effect.
    public var clientTLSProtocols: String = "secure"
    /// TLS towards clients; only `disable` is supported.
    public var clientTLSMode: TLSMode = .disable
    /// The file that the next reload reads; the file in use.
    public var conffile: String?
    /// Server connections a pool may have; 20, 0 = no limit.
    public var defaultPoolSize: Int = 20
    /// Whether the simple query protocol is refused; off by default.
    public var disablePqexec: Bool = false
    /// How long a DNS answer is used; 15 s.
    public var dnsMaxTtl: TimeSetting = .seconds(15)
    /// How long a failed DNS look-up is remembered; 15 s.
    public var dnsNxdomainTtl: TimeSetting = .seconds(15)
    /// How often SOA serials would be polled; without effect.
    public var dnsZoneCheckPeriod: TimeSetting = .zero
    /// How long a client may be idle inside a transaction; 0 = no limit.
    public var idleTransactionTimeout: TimeSetting = .zero
    /// Startup parameters accepted and dropped; empty by default.
    public var ignoreStartupParameters: [String] = []
    /// Name of a Windows service; without effect.
    public var jobName: String = "pgbouncer"
    /// TCP addresses to listen on, `*` for all; empty = Unix socket only.
    public var listenAddr: [String] = []
    /// Backlog of listening sockets; 128 connections.
    public var listenBacklog: Int = 128
    /// TCP port, and the number in the Unix socket's name; 6432.
    public var listenPort: Int = 6_432
    /// Whether logins are logged; on by default.
    public var logConnections: Bool = true
    /// Whether closed connections are logged with the reason; on by default.
    public var logDisconnections: Bool = true
    /// Whether errors sent to clients are logged; on by default.
    public var logPoolerErrors: Bool = true
    /// Whether the statistics line is logged each period; on by default.
    public var logStats: Bool = true
    /// Log file; empty = standard error only.
    public var logfile: String = ""
    /// Client connections in all, the console apart; 100.
    public var maxClientConn: Int = 100
    /// Client connections of one database; 0 = no limit.
    public var maxDbClientConnections: Int = 0
    /// Server connections of one database entry; 0 = no limit.
    public var maxDbConnections: Int = 0
    /// Largest protocol message in bytes; 2147483647.
    public var maxPacketSize: Int = 2_147_483_647
    /// Named statements a server connection would keep; without effect yet; 200.
    public var maxPreparedStatements: Int = 200
    /// Client connections of one user; 0 = no limit.
    public var maxUserClientConnections: Int = 0
    /// Server connections of one user over all databases; 0 = no limit.
    public var maxUserConnections: Int = 0
    /// Server connections kept open in a pool; 0 = none.
    public var minPoolSize: Int = 0
    /// Own number among the processes behind one address (`[peers]`); 0 = none.
    public var peerID: Int = 0
    /// File for the process ID, needed by `-d`; empty = none.
    public var pidfile: String = ""
    /// PgBouncer's buffer size in bytes; without effect.
    public var pktBuf: Int = 4_096
    /// When a server connection goes back to its pool; `session`.
    public var poolMode: PoolMode = .session
    /// How long a query may take; 0 = no limit.
    public var queryTimeout: TimeSetting = .zero
    /// After how long in the queue a client gets a notice; 5 s, 0 = never.
    public var queryWaitNotify: TimeSetting = .seconds(5)
    /// How long a client may wait for a server connection; 15 s, 0 = for ever.
    public var queryWaitTimeout: TimeSetting = .seconds(15)
    /// Extra server connections of a pool for when its clients wait long; 0.
    public var reservePoolSize: Int = 0
    /// Wait that unlocks the reserve; 5 s, 0 = reserve off.
    public var reservePoolTimeout: TimeSetting = .seconds(5)
    /// Resolver file; without effect.
    public var resolvConf: String = ""
    /// PgBouncer's turn length; without effect.
    public var sbufLoopcnt: Int = 5
    /// Iterations for SCRAM keys derived from plain passwords; 4096.
    public var scramIterations: Int = 4_096
    /// Idle time after which a server connection is checked; 30 s, 0 = always.
    public var serverCheckDelay: TimeSetting = .seconds(30)
    /// Query for that check; `<empty>` sends an empty one, an empty text means no check.
    public var serverCheckQuery: String = "<empty>"
    /// How long connecting and logging in to PostgreSQL may take; 15 s.
    public var serverConnectTimeout: TimeSetting = .seconds(15)
    /// Whether session-mode servers marked for closing end with their transaction; off.
    public var serverFastClose: Bool = false
    /// How long an unused server connection stays open; 600 s, 0 = no limit.
    public var serverIdleTimeout: TimeSetting = .seconds(600)
    /// Age at which an unused server connection is closed; 3600 s, 0 = after one use.
    public var serverLifetime: TimeSetting = .seconds(3_600)
    /// Longest pause between retries of a failed server login, which start at 100 ms; 15 s.
    public var serverLoginRetry: TimeSetting = .seconds(15)
    /// Query that cleans a server connection after a session; `DISCARD ALL`.
    public var serverResetQuery: String = "DISCARD ALL"
    /// Whether that query also runs outside session mode; off by default.
    public var serverResetQueryAlways: Bool = false
    /// Whether the longest idle server connection is used first; off by default.
    public var serverRoundRobin: Bool = false
    /// TLS 1.3 suites towards PostgreSQL; without effect.
    public var serverTLS13Ciphers: String?
    /// Authority for PostgreSQL's certificate; without effect.
    public var serverTLSCAFile: String = ""
    /// Certificate shown to PostgreSQL; without effect.
    public var serverTLSCertFile: String = ""
    /// Ciphers up to TLS 1.2 towards PostgreSQL; without effect.
    public var serverTLSCiphers: String = "default"
    /// Private key of that certificate; without effect.
    public var serverTLSKeyFile: String = ""
    /// TLS versions towards PostgreSQL; without effect.
    public var serverTLSProtocols: String = "secure"
    /// TLS towards PostgreSQL; `disable`, `allow` and `prefer` all mean plain for now.
    public var serverTLSMode: TLSMode = .prefer
    /// Whether TCP listeners set `SO_REUSEPORT`; off by default.
    public var soReuseport: Bool = false
    /// Period of averages and of the statistics line; 60 s.
    public var statsPeriod: TimeSetting = .seconds(60)
    /// Users who may look at the admin console; empty by default.
    public var statsUsers: [String] = []
    /// How long SUSPEND waits for buffers to drain; 10 s.
    public var suspendTimeout: TimeSetting = .seconds(10)
    /// Whether PgBouncer would log to syslog; without effect.
    public var syslog: Bool = false
    /// Facility for syslog; without effect.
    public var syslogFacility: String = "daemon"
    /// Name for syslog; without effect.
    public var syslogIdent: String = "pgbouncer"
    /// `TCP_DEFER_ACCEPT` in seconds; 1, 0 = off.
    public var tcpDeferAccept: Int = 1
    /// Whether TCP keepalive is on; on by default.
    public var tcpKeepalive: Bool = true
    /// Keepalive probes before giving up; 0 = the kernel's default.
    public var tcpKeepcnt: Int = 0
    /// Seconds of silence before the first keepalive probe; 0 = the kernel's default.
    public var tcpKeepidle: Int = 0
    /// Seconds between keepalive probes; 0 = the kernel's default.
    public var tcpKeepintvl: Int = 0
    /// Socket buffer size in bytes; 0 = the kernel's default.
    public var tcpSocketBuffer: Int = 0
    /// Milliseconds after which unacknowledged data ends a connection; 300000, 0 = off.
    public var tcpUserTimeout: Int = 300_000
    /// More parameters to keep per client; `IntervalStyle`.
    public var trackExtraParameters: [String] = ["IntervalStyle"]
    /// How long a transaction may take; 0 = no limit.
    public var transactionTimeout: TimeSetting = .zero
    /// Directory of the Unix socket, `@` for an abstract one; `/tmp`, empty = none.
    public var unixSocketDir: String = "/tmp"
    /// Group of the Unix socket; empty = the process's.
    public var unixSocketGroup: String = ""
    /// Permissions of the Unix socket; 0777.
    public var unixSocketMode: Int = 0o777
    /// User to become after start as root; none by default.
    public var user: String?
    /// How much more is logged, as with `-v`; 0.
    public var verbose: Int = 0

    // What PgBouncer does not have.

    /// Threads that serve; 0 = one for each core, at most 8.
    public var workers: Int = 0
    /// Kernel interface of the event loops; `auto`.
    public var eventEngine: EventEngine = .auto
    /// Server connections of the whole process; 0 = no limit.
    public var maxServerConnections: Int = 0
    /// Connections that each PostgreSQL server may have; 0 = no limit.
    public var serverBudget: BudgetSize = .slots(0)
    /// What a fleet shares the budgets by; `local` = there is no fleet.
    public var budgetLedger: BudgetLedger = .local
    /// The fleet's name: only processes with the same one share; `weir`.
    public var fleetName: String = "weir"
    /// The process's name for people; empty = the host's.
    public var nodeName: String = ""
    /// Database of the control connections; `postgres`.
    public var ledgerDatabase: String = "postgres"
    /// Role of the control connections; empty = the first database's `user=` at the server.
    public var ledgerUser: String = ""
    /// Places of a budget that are kept for control connections; 10.
    public var controlReserve: Int = 10
    /// `http://HOST:PORT` or `https://HOST:PORT` of etcd's members; none by default.
    public var etcdEndpoints: [String] = []
    /// User at etcd; empty = none.
    public var etcdUser: String = ""
    /// Password of ``etcdUser``.
    public var etcdPassword: RedactedText?
    /// Authorities for etcd's certificate; empty = the system's.
    public var etcdCAFile: String = ""
    /// Certificate shown to etcd; empty = none.
    public var etcdCertFile: String = ""
    /// Private key of that certificate; empty = none.
    public var etcdKeyFile: String = ""
    /// What becomes of the connections of a silent process; `wait`.
    public var budgetFence: BudgetFence = .wait
    /// How long a server connection in doubt keeps its slot; 60 s.
    public var serverCloseTimeout: TimeSetting = .seconds(60)
    /// Server logins that one pool may have under way when those before have succeeded; 16.
    public var serverLoginParallelism: Int = 16
    /// How long clients wait while PostgreSQL is down; 5 s, 0 = query_wait_timeout alone.
    public var databaseDownTimeout: TimeSetting = .seconds(5)
    /// What becomes of session state that no other server connection could have; `pin`.
    public var sessionState: SessionState = .pin
    /// Server connections of one pool that may be pinned; -1 = all but one, at least one.
    public var maxPinned: Int = -1
    /// How long a pinned client may be idle; 0 = no limit.
    public var pinTimeout: TimeSetting = .zero
    /// How often an unnamed statement comes before it is prepared for all; 0 = never.
    public var prepareAnonymous: Int = 0
    /// Duration from which a statement is logged; 0.1 s, 0 = all, -1 = none.
    public var slowQueryThreshold: SlowQueryThreshold = .atLeast(.milliseconds(100))
    /// File of slow-query records; empty = the process's log stream.
    public var slowQueryLog: String = ""
    /// Format of slow-query records; `json`.
    public var slowQueryFormat: SlowQueryFormat = .json

    /// Makes settings in which every key has its default.
    public init() {}

    /// The `auth_query` that PgBouncer has by default.
    static let pgBouncerAuthQuery = """
        SELECT rolname, CASE WHEN rolvaliduntil < now() THEN NULL ELSE rolpassword END \
        FROM pg_authid WHERE rolname=$1 AND rolcanlogin
        """
}
