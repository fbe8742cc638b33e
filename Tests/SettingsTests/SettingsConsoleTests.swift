import Testing

@testable import Settings

struct SettingsConsoleTests {
    private func row(_ key: String, of settings: Settings) -> ConfigRow? {
        settings.configRows().first { $0.key == key }
    }

    @Test func `SHOW CONFIG lists PgBouncer's keys in its order and new ones behind them`() throws {
        let keys = try load("[weir]").configRows().map(\.key)
        #expect(keys.first == "admin_users")
        #expect(Set(keys).count == keys.count)
        let new = [
            "workers", "event_engine", "max_server_connections", "server_budget",
            "budget_ledger", "fleet_name", "node_name", "ledger_database", "ledger_user",
            "control_reserve", "etcd_endpoints", "etcd_user", "etcd_password", "etcd_ca_file",
            "etcd_cert_file", "etcd_key_file", "budget_fence",
            "server_close_timeout", "server_login_parallelism", "database_down_timeout",
            "session_state", "max_pinned", "pin_timeout", "prepare_anonymous",
            "slow_query_threshold",
            "slow_query_log", "slow_query_format",
        ]
        #expect(Array(keys.suffix(new.count)) == new)
        let old = Array(keys.dropLast(new.count))
        #expect(old == old.sorted())
        #expect(old.count == 98)
    }

    @Test func `values and defaults show as PgBouncer shows them`() throws {
        let settings = try load(
            "[weir]\nserver_idle_timeout = 1500ms\nlog_stats = off\nmax_packet_size = 0x100"
        )
        #expect(
            self.row("server_idle_timeout", of: settings)
                == ConfigRow(
                    key: "server_idle_timeout",
                    value: "1.5",
                    default: "600",
                    changeable: true
                )
        )
        #expect(self.row("log_stats", of: settings)?.value == "0")
        #expect(self.row("log_stats", of: settings)?.default == "1")
        #expect(self.row("max_packet_size", of: settings)?.value == "256")
        #expect(self.row("auth_user", of: settings)?.value == "")
        #expect(self.row("auth_user", of: settings)?.default == .some(nil))
        #expect(self.row("conffile", of: settings)?.value == "weir.ini")
        #expect(self.row("listen_port", of: settings)?.changeable == false)
        #expect(self.row("slow_query_threshold", of: settings)?.value == "0.1")
        #expect(self.row("track_extra_parameters", of: settings)?.value == "IntervalStyle")
    }

    @Test func `a secret is not shown`() throws {
        let settings = try load(
            "[weir]\nauth_ldap_options = ldapbindpasswd=hunter2\netcd_password = hunter2"
        )
        #expect(self.row("auth_ldap_options", of: settings)?.value == "********")
        #expect(self.row("etcd_password", of: settings)?.value == "********")
        #expect(
            settings.configRows().allSatisfy { !$0.value.contains("hunter2") }
        )
    }

    @Test func `every value that SHOW CONFIG prints can be read again`() throws {
        let settings = try load("[weir]\nslow_query_threshold = off\nserver_lifetime = 1e6")
        for row in settings.configRows() where row.changeable {
            #expect(
                try settings.setting(row.key, to: row.value) == .changed(settings),
                "\(row.key) = \(row.value)"
            )
        }
    }

    @Test func `SET changes a copy, or says that it cannot`() throws {
        let settings = try load("[weir]\nauth_file = a\n[databases]\na = pool_size=3\n* = host=f")
        let outcome = try settings.setting("default_pool_size", to: "7")
        guard case .changed(let changed) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(changed.global.defaultPoolSize == 7)
        #expect(settings.global.defaultPoolSize == 20)
        #expect(changed.databases == settings.databases)
        #expect(changed.fallbackDatabase == settings.fallbackDatabase)
        #expect(try settings.setting("listen_port", to: "7") == .notReloadable)
        #expect(try settings.setting("listen_port", to: "nonsense") == .notReloadable)
    }

    @Test(arguments: [
        ("nonsense", "1", "SET: unknown parameter: pgbouncer/nonsense"),
        (
            "http_listen", "1",
            "SET: http_listen: the key is known but not supported by this version"
        ),
        ("pool_mode", "x", "SET: pool_mode = \"x\": expected session, transaction, statement"),
        ("min_pool_size", "30", "SET: min_pool_size = 30 is above default_pool_size = 20"),
        ("logfile", "a\0b", "SET: logfile: expected a text without zero bytes"),
        (
            "auth_type", "hba",
            "SET: auth_type = hba: not supported by this version: use scram-sha-256, md5, plain, "
                + "trust or any"
        ),
    ])
    func `SET to something wrong is an error`(key: String, value: String, text: String) throws {
        let settings = try load("[weir]")
        let error = try #require(throws: SettingsErrors.self) {
            try settings.setting(key, to: value)
        }
        #expect(error.description == text)
    }
}
