import Auth
public import Console
import Glibc
import Logging
public import Proxy
import Reactor
import Settings
import Telemetry
import Pooling

extension AdminConsole: ConsoleResponder {}

func read(_ path: String) -> String? {
    guard let f = unsafe fopen(path, "r") else { return nil }
    defer { unsafe fclose(f) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
        let n = unsafe fread(&buffer, 1, buffer.count, f)
        if n <= 0 { break }
        bytes += buffer[0..<n]
    }
    return String(decoding: bytes, as: UTF8.self)
}
struct Source: ConfigurationSource {
    let path: String
    func settings(from path: String?) throws(ConfigurationFailure) -> Settings {
        do throws(SettingsErrors) { return try Settings(parsing: read(self.path)!, file: self.path) } catch {
            throw ConfigurationFailure(reason: error.description)
        }
    }
    func users(for s: Settings) throws(ConfigurationFailure) -> UserList {
        guard let f = s.global.authFile else { return UserList() }
        do throws(UserListError) { return try UserList(parsing: read(f)!, file: f) } catch {
            throw ConfigurationFailure(reason: error.description)
        }
    }
    func usersChanged(for s: Settings) -> Bool { false }
    func reopenLogs() {}
}
signal(SIGPIPE, SIG_IGN)
nonisolated(unsafe) var box: Mailbox<WorkerMessage>?

let source = Source(path: CommandLine.arguments.last!)
let settings = try source.settings(from: nil)
let writer = try LineWriter(target: .standardError, lossReport: LogFormat(processID: getpid()).lossReport)
let format = LogFormat(processID: getpid())
let logger = Logger(label: "weir", factory: { _ in PoolerLogHandler(writer: writer, format: format, logLevel: .debug) })
let slow = try SlowQueryLog(target: LogTarget(file: settings.global.slowQueryLog.isEmpty ? "/tmp/slow-\(getpid()).log" : settings.global.slowQueryLog))
let worker = try Worker(
    settings: settings, users: try source.users(for: settings),
    environment: .init(logger: logger, slowQueries: slow, console: AdminConsole(version: "0.1.0"), source: source,
        helpers: try HelperThreads(count: 2)),
    engine: settings.global.eventEngine == .epoll ? .epoll : .automatic)
unsafe box = worker.mailbox
for (n, _) in [(SIGHUP,0),(SIGINT,0),(SIGTERM,0),(SIGQUIT,0),(SIGUSR1,0),(SIGUSR2,0)] {
    signal(n) { n in
        let m: WorkerSignal = n == SIGHUP ? .reload : n == SIGINT ? .drainServers : n == SIGTERM ? .drainClients : n == SIGQUIT ? .quit : n == SIGUSR1 ? .pause : .resume
        _ = unsafe box!.post(.signal(m))
    }
}
worker.run()
_ = writer.close(timeout: .seconds(1))

