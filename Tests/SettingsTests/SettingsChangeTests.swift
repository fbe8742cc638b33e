import Testing

@testable import Settings

struct SettingsChangeTests {
    private static let base = """
        [databases]
        same = host=a
        gone = host=a
        bigger = host=a pool_size=1
        * = host=f
        [users]
        u = pool_size=1
        left = pool_size=1
        [weir]
        listen_port = 7000
        default_pool_size = 10
        server_lifetime = 5
        """

    @Test func `nothing changes when the same file is read again`() throws {
        let settings = try load(Self.base)
        let change = SettingsChange(from: settings, to: try load(Self.base))
        #expect(change.isEmpty)
        #expect(change.ignoredKeys.isEmpty)
        #expect(change.effective == settings)
    }

    @Test func `a reload finds what was added, removed and changed`() throws {
        let old = try load(Self.base)
        let new = try load(
            """
            [databases]
            new = host=a
            same = host=a
            bigger = host=a pool_size=2
            [users]
            u = pool_size=2
            came = pool_size=1
            [weir]
            listen_port = 7001
            unix_socket_dir = /run
            default_pool_size = 11
            """
        )
        let change = SettingsChange(from: old, to: new)
        #expect(change.addedDatabases == ["new"])
        #expect(change.removedDatabases == ["*", "gone"])
        #expect(change.changedDatabases.map(\.name) == ["bigger"])
        #expect(change.changedDatabases.map(\.needsReconnect) == [false])
        #expect(change.changedUsers == ["came", "left", "u"])
        // A deleted line goes back to the default.
        #expect(change.changedGlobalKeys == ["default_pool_size", "server_lifetime"])
        #expect(change.ignoredKeys == ["listen_port", "unix_socket_dir"])
        #expect(change.effective.global.listenPort == 7_000)
        #expect(change.effective.global.unixSocketDir == "/tmp")
        #expect(change.effective.global.defaultPoolSize == 11)
        #expect(change.effective.global.serverLifetime == .seconds(3_600))
        #expect(change.effective.databases == new.databases)
        #expect(change.effective.users == new.users)
        #expect(!change.isEmpty)
    }

    @Test(arguments: [
        ("dbname=x", true), ("host=x", true), ("port=1", true), ("user=x", true),
        ("connect_query=x", true), ("load_balance_hosts=disable", true), ("pool_size=1", false),
        ("password=x", false), ("pool_mode=session", false), ("application_name=x", false),
        ("server_lifetime=1", false),
    ])
    func `only where a connection leads decides whether it must be replaced`(
        pair: String,
        needsReconnect: Bool
    ) throws {
        let change = SettingsChange(
            from: try load("[databases]\na ="),
            to: try load("[databases]\na = \(pair)")
        )
        #expect(change.changedDatabases.map(\.needsReconnect) == [needsReconnect])
    }

    @Test func `each global key is noticed and treated as its table entry says`() throws {
        let samples = [
            "7", "3", "x", "statement", "epoll", "trust", "allow", "off", "reset", "etcd",
            "http://h:1", "terminate",
        ]
        let old = try load("[weir]")
        for setting in SettingTable.global {
            var global = old.global
            for sample in samples where setting.isEqual(global, old.global) {
                var copy = global
                if setting.write(&copy, sample) == .written { global = copy }
            }
            if setting.isEqual(global, old.global) {
                #expect(setting.name == "slow_query_format", "it has one value only")
                continue
            }
            let new = Settings(global: global)
            let change = SettingsChange(from: old, to: new)
            #expect(change.changedGlobalKeys == (setting.isReloadable ? [setting.name] : []))
            #expect(change.ignoredKeys == (setting.isReloadable ? [] : [setting.name]))
            #expect(change.effective.global == (setting.isReloadable ? global : old.global))
        }
    }
}
