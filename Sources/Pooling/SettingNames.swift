/// What is known of PostgreSQL's settings by their names, which are in lower case here.
public enum SettingNames {
    /// The role, which decides about privileges: applied after all others.
    public static let role = "role"
    /// Who the session belongs to: applied last but one.
    public static let sessionAuthorization = "session_authorization"

    /// Where names are looked for, and made.
    static let searchPath = "search_path"

    /// Whether a setting is of an application's or an extension's own.
    public static func isCustom(_ name: String) -> Bool { name.utf8.contains(UInt8(ascii: ".")) }

    /// Whether what a statement means, or is planned to do, may depend on a setting. What is not
    /// known counts as such.
    public static func affectsParsing(_ name: String) -> Bool {
        !Self.isCustom(name) && !Self.harmless.contains(name)
    }

    /// Whether a setting is one of the present transaction, and of no session.
    static func isOfTransaction(_ name: String) -> Bool { Self.ofTransaction.contains(name) }

    /// A setting that would end a server while it waits in its pool.
    public static let idleSessionTimeout = "idle_session_timeout"

    private static let ofTransaction: Set<String> = [
        "transaction_isolation", "transaction_read_only", "transaction_deferrable", "seed",
    ]

    private static let harmless: Set<String> = [
        "application_name", "client_connection_check_interval", "client_min_messages",
        "commit_delay", "commit_siblings", "debug_pretty_print", "deadlock_timeout",
        "default_transaction_deferrable", "default_transaction_isolation",
        "default_transaction_read_only", "gin_pending_list_limit", "hash_mem_multiplier",
        "idle_in_transaction_session_timeout", "idle_session_timeout", "lock_timeout",
        "log_duration", "log_error_verbosity", "log_lock_waits", "log_min_duration_statement",
        "log_min_error_statement", "log_min_messages", "log_statement", "log_statement_stats",
        "log_temp_files", "logical_decoding_work_mem", "maintenance_work_mem",
        "statement_timeout", "synchronous_commit", "tcp_keepalives_count", "tcp_keepalives_idle",
        "tcp_keepalives_interval", "tcp_user_timeout", "temp_buffers", "temp_file_limit",
        "trace_notify", "track_activities", "track_counts", "track_io_timing",
        "transaction_timeout", "vacuum_cost_delay", "vacuum_cost_limit", "work_mem",
    ]
}
