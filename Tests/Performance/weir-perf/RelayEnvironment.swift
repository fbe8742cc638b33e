import Auth
public import Console
import Logging
public import Proxy
import Reactor
import Settings
import Telemetry

/// A worker as a process has it, with the default settings: pooling, statistics and the slow-query
/// log are on. Nothing is slow, so nothing is written.
enum RelayEnvironment {
    /// Makes a worker of a process; the first one listens on `port`.
    static func makeWorker(
        port: UInt16,
        serverPort: UInt16,
        engine: Reactor.EventEngine,
        process: ProcessState,
        index: Int
    ) -> Worker {
        do {
            let settings = try Settings(
                parsing: """
                    [databases]
                    perf = host=127.0.0.1 port=\(serverPort) user=perf pool_size=1
                    [weir]
                    listen_addr = 127.0.0.1
                    listen_port = \(port)
                    unix_socket_dir =
                    auth_type = any
                    pool_mode = transaction
                    slow_query_threshold = 1h
                    """,
                file: "weir-perf.ini"
            )
            let environment = Worker.Environment(
                logger: Logger(label: "weir-perf") { _ in SwiftLogNoOpLogHandler() },
                slowQueries: try SlowQueryLog(target: LogTarget()),
                console: AdminConsole(version: "0"),
                source: FixedConfiguration(settings: settings),
                helpers: try HelperThreads(count: 1)
            )
            return try Worker(
                settings: settings,
                users: UserList(),
                environment: environment,
                engine: engine,
                process: process,
                index: index
            )
        } catch {
            WeirPerf.fail("\(error)")
        }
    }
}

extension AdminConsole: ConsoleResponder {}
