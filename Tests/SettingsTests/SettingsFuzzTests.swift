import Testing

@testable import Settings

/// Broken configurations must be refused in words or load into something consistent; never trap.
struct SettingsFuzzTests {
    private static let samples = [
        """
        [databases]
        app = host=a,b port=5433 user=u password='p w' pool_size=30 connect_query='SELECT ''x'''
        'odd ''name' = host=/run min_pool_size=1 max_db_connections=2
        * =
        [users]
        u = pool_mode=session query_timeout=1.5 pool_size=0 slow_query_threshold=-1
        [pgbouncer]
        listen_port = 0x1920
        listen_addr = *, ::1
        unix_socket_mode = 0770
        server_lifetime = 1e3
        slow_query_threshold = off
        %include more.ini
        """,
        "[weir]\r\npool_mode=transaction\r\nmin_pool_size = 3\n; c\n# d\nreserve_pool_size=1",
    ]

    private static let tokens = [
        "'", "''", "=", " = ", "\n", "\r\n", "[", "]", "%include more.ini\n", "[weir]\n",
        "[users]\n", "[databases]\n", "[peers]\n", ";", "#", ",", "0x", "-1", "9223372036854775808",
        "1e99", "0", "\0", "\u{FEFF}", "é", "ms", "user", "pool_size=", "99999999999999999999", "*",
    ]

    /// A small generator whose seed is printed with a failure.
    private struct Random: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            self.state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = self.state
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }
    }

    private func mutated(_ text: String, _ random: inout Random) -> String {
        var bytes = Array(text.utf8)
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let start = Int.random(in: 0...bytes.count, using: &random)
            let end = min(bytes.count, start + Int.random(in: 0...12, using: &random))
            switch Int.random(in: 0..<6, using: &random) {
            case 0:
                bytes.removeSubrange(start..<end)
            case 1:
                bytes.insert(contentsOf: Array(bytes[start..<end]), at: start)
            case 2:
                bytes.insert(UInt8.random(in: 0...255, using: &random), at: start)
            case 3 where start < bytes.count:
                bytes[start] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 4:
                bytes.removeSubrange(start...)
                bytes += Array(text.utf8).suffix(Int.random(in: 0...80, using: &random))
            default:
                let token = Self.tokens.randomElement(using: &random) ?? ""
                bytes.insert(contentsOf: Array(token.utf8), at: start)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Drops, doubles and swaps lines, and changes digits: what has a chance to load.
    private func shuffled(_ text: String, _ random: inout Random) -> String {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let index = Int.random(in: lines.indices, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0 where lines.count > 1:
                lines.remove(at: index)
            case 1:
                lines.insert(lines[index], at: Int.random(in: lines.indices, using: &random))
            case 2:
                lines.swapAt(index, Int.random(in: lines.indices, using: &random))
            default:
                let digit = String(Int.random(in: 0...99, using: &random))
                lines[index] = String(
                    lines[index].map { $0.isNumber ? digit : String($0) }.joined()
                )
            }
        }
        return lines.joined(separator: "\n")
    }

    private func check(_ settings: Settings, against base: Settings) throws {
        let change = SettingsChange(from: base, to: settings)
        #expect(SettingsChange(from: change.effective, to: settings).changedGlobalKeys.isEmpty)
        #expect(change.effective.global.listenPort == base.global.listenPort)
        let names = Array(settings.databases.keys) + ["nobody's"]
        for database in names {
            for user in Array(settings.users.keys) + ["nobody"] {
                let size = settings.poolSize(database: database, user: user)
                let minimum = settings.minPoolSize(database: database, user: user)
                #expect(size == 0 || minimum <= size)
                #expect(settings.queryTimeout(user: user) >= .zero)
            }
        }
        #expect(settings.databases["pgbouncer"] == nil && settings.databases["*"] == nil)
        #expect(settings.configRows().count == SettingTable.global.count)
        #expect(try settings.setting("max_client_conn", to: "5") != .notReloadable)
    }

    @Test(arguments: 0..<8)
    func `no broken file traps, and what loads is consistent`(seed: UInt64) throws {
        var random = Random(state: seed)
        let base = try load(Self.samples[1])
        var loaded = 0
        var refused = 0
        for _ in 0..<200 {
            let sample = Self.samples.randomElement(using: &random) ?? ""
            let text =
                Bool.random(using: &random)
                ? self.shuffled(sample, &random) : self.mutated(sample, &random)
            let plain = "log_stats = 1\n"
            let included = Bool.random(using: &random) ? plain : self.mutated(plain, &random)
            do {
                let settings = try Settings(
                    parsing: text,
                    file: "f",
                    environment: [("pool_mode", "session")],
                    include: { _ throws(IncludeFailure) in included }
                )
                loaded += 1
                try self.check(settings, against: base)
            } catch let error as SettingsErrors {
                refused += 1
                #expect((1...SettingsLimits.reportedErrors).contains(error.errors.count))
                #expect(error.errors.allSatisfy { !$0.description.isEmpty })
            }
        }
        #expect(loaded > 10 && refused > 10, "the mutations do not reach both outcomes")
    }

    @Test(arguments: 0..<4)
    func `no broken URL traps, and what loads asks for a password`(seed: UInt64) throws {
        var random = Random(state: seed)
        let urls = [
            "postgres://us%40er:pa%3Ass@host:5432/data%20base?sslmode=prefer&connect_timeout=3",
            "postgresql://u:p@[::1]:1,b:1/d?host=/run&port=5&application_name=x",
        ]
        var loaded = 0
        for _ in 0..<400 {
            let url = self.mutated(urls.randomElement(using: &random) ?? "", &random)
            let listen = self.mutated("[::1]:6432", &random)
            let settings = try? Settings.forDatabaseURL(url, listen: nil)
            _ = try? Settings.forDatabaseURL(urls[0], listen: listen)
            guard let settings else { continue }
            loaded += 1
            let user = try #require(settings.inlineUsers.first)
            let database = try #require(settings.databases.values.first)
            #expect(!user.secret.exposed.isEmpty && !user.name.isEmpty)
            #expect(!database.hosts.isEmpty && !database.hosts.contains(""))
            #expect(settings.global.authType == .scramSHA256)
            #expect(settings.global.listenAddr == ["127.0.0.1"])
        }
        #expect(loaded > 10)
    }

    @Test(arguments: 0..<4)
    func `no value traps in any kind`(seed: UInt64) {
        var random = Random(state: seed)
        var global = GlobalSettings()
        for _ in 0..<15 {
            for setting in SettingTable.global {
                let text = self.mutated(setting.read(global), &random)
                var changed = global
                guard setting.write(&changed, text) == .written else { continue }
                // What was read is shown in a form that can be read again.
                #expect(setting.write(&global, setting.read(changed)) == .written)
            }
        }
    }
}
