import Auth
import Console
import Glibc
import Logging
import Proxy
import Reactor
import Settings

/// The process from its start to its end: everything that is done once, in the order that matters.
///
/// Root's rights are given up before the network is heard of, the fork comes before the first
/// thread, and threads come before the ring.
struct PoolerProcess {
    /// Reads the configuration.
    let files: ConfigurationFiles
    /// `-u`; wins over the setting `user`.
    let user: String?
    /// `-d`.
    let isDaemon: Bool
    /// `-q`.
    let isQuiet: Bool
    /// How many `-v`.
    let extraVerbosity: Int

    /// Threads for hashing and name look-ups, at least: a look-up can take many seconds, and logins
    /// must not wait behind it.
    private static let leastHelpers = 2

    /// The most workers that are started for cores; more have to be asked for.
    private static let mostAutomaticWorkers = 8

    /// Serves until a signal or the console ends it.
    func run() throws(StartFailure) {
        Signals.block()
        let settings = try self.readSettings()
        try self.changeUser(settings.global)
        let users = try self.readUsers(settings)
        let daemon = self.isDaemon ? try self.enterBackground(settings.global) : nil
        if settings.global.pidfile.isEmpty {
            return try self.serve(settings, users, daemon)
        }
        let pidFile = try PidFile(taking: settings.global.pidfile)
        do throws(StartFailure) {
            try self.serve(settings, users, daemon)
        } catch {
            pidFile.remove()
            throw error
        }
        pidFile.remove()
    }

    private func readSettings() throws(StartFailure) -> Settings {
        do throws(ConfigurationFailure) {
            return try self.files.settings(from: nil)
        } catch {
            throw .configuration(error.reason)
        }
    }

    /// Read by the user that the process has become, who must be able to read it again later.
    private func readUsers(_ settings: Settings) throws(StartFailure) -> UserList {
        do throws(ConfigurationFailure) {
            return try self.files.users(for: settings)
        } catch {
            throw .configuration(error.reason)
        }
    }

    private func changeUser(_ global: GlobalSettings) throws(StartFailure) {
        if let name = self.user ?? global.user, !name.isEmpty {
            let user = try ProcessUser(named: name)
            do throws(SystemError) {
                try user.prepareFile(global.logfile, mode: 0o640)
                try user.prepareFile(global.slowQueryLog, mode: 0o640)
            } catch {
                throw .log("cannot make a log file: \(error)")
            }
            do throws(SystemError) {
                try user.prepareFile(global.pidfile, mode: 0o644)
            } catch {
                throw .pidFile(path: global.pidfile, reason: error.description)
            }
            try user.become()
        }
        try ProcessUser.refuseRoot()
    }

    private func enterBackground(_ global: GlobalSettings) throws(StartFailure) -> Daemon {
        if global.pidfile.isEmpty { throw .daemon("-d needs the setting pidfile") }
        if global.logfile.isEmpty, !global.syslog {
            TextOutput.standardError.write(
                line: "weir: neither logfile nor syslog is set: in the background nothing is logged"
            )
        }
        return try Daemon.enter()
    }

    private func serve(
        _ settings: Settings,
        _ users: UserList,
        _ daemon: Daemon?
    ) throws(StartFailure) {
        let logs = try self.openLogs(settings.global)
        defer { logs.close() }
        do throws(StartFailure) {
            try self.serve(settings, users, daemon, logs)
        } catch {
            // Standard error gets it from whoever catches it, whether -q was given or not.
            logs.leaveStandardError(settings.global)
            logs.logger.critical("\(error)")
            throw error
        }
    }

    private func openLogs(_ global: GlobalSettings) throws(StartFailure) -> PoolerLogs {
        do {
            return try PoolerLogs(
                global,
                usesStandardError: !self.isQuiet,
                extraVerbosity: self.extraVerbosity
            )
        } catch {
            throw .log("\(error)")
        }
    }

    private func serve(
        _ settings: Settings,
        _ users: UserList,
        _ daemon: Daemon?,
        _ logs: PoolerLogs
    ) throws(StartFailure) {
        let logger = logs.logger
        self.files.adopt(logs)
        for warning in settings.warnings { logger.warning("\(warning)") }
        Self.raiseDescriptorLimit(settings, users, logger)
        let process = Self.makeProcess(settings)
        let (worker, others) = try self.makeWorkers(settings, users, logs, process)
        if let daemon {
            logs.leaveStandardError(settings.global)
            try daemon.detach()
        }
        Self.reportStart(worker, others.count + 1, logs)
        ServiceManager.notify(.ready)
        worker.run()
        for other in others { other.join() }
        process.leaveFleet()
        ServiceManager.notify(.stopping)
        logger.info("process down")
    }

    private static var processors: Int { max(sysconf(Int32(_SC_NPROCESSORS_ONLN)), 1) }

    private static func makeProcess(_ settings: Settings) -> ProcessState {
        let wanted = settings.global.workers
        let automatic = min(self.processors, self.mostAutomaticWorkers)
        return ProcessState(workers: wanted > 0 ? wanted : automatic)
    }

    /// Makes the first worker, which belongs to this thread, and starts the others.
    private func makeWorkers(
        _ settings: Settings,
        _ users: UserList,
        _ logs: PoolerLogs,
        _ process: ProcessState
    ) throws(StartFailure) -> (first: Worker, others: [WorkerThread]) {
        let probes = self.makeProbes(settings, users, process, logs)
        let fleet = try PoolerFleet(settings, probes, logs.logger)
        do throws(ReactorError) {
            let environment = Worker.Environment(
                logger: logs.logger,
                slowQueries: logs.slowQueries,
                console: AdminConsole(version: WeirVersion.number),
                source: self.files,
                helpers: try HelperThreads(count: max(Self.leastHelpers, Self.processors)),
                fleet: fleet
            )
            let worker = try Worker(
                settings: settings,
                users: users,
                environment: environment,
                engine: Self.engine(settings.global),
                process: process
            )
            var others: [WorkerThread] = []
            for index in 1..<process.workers {
                others.append(
                    try WorkerThread(starting: index) { () throws(ReactorError) -> Worker in
                        try Worker(
                            settings: settings,
                            users: users,
                            environment: environment,
                            engine: Self.engine(settings.global),
                            process: process,
                            index: index
                        )
                    }
                )
            }
            for other in others { try other.waitUntilReady() }
            try probes.start()
            try Self.startSignals(worker.mailbox)
            return (worker, others)
        } catch {
            throw .engine(error.description)
        }
    }

    private func makeProbes(
        _ settings: Settings,
        _ users: UserList,
        _ process: ProcessState,
        _ logs: PoolerLogs
    ) -> BudgetProbes {
        let probes = BudgetProbes(
            process: process,
            settings: settings,
            users: users,
            logger: logs.logger
        )
        self.files.adopt(probes)
        return probes
    }

    private static func startSignals(
        _ mailbox: Mailbox<WorkerMessage>
    ) throws(ReactorError) {
        let thread = try HelperThreads(count: 1, name: "signals")
        let isTaken = thread.submit {
            // Held by its own job: letting go of it would drop a job that has not begun.
            withExtendedLifetime(thread) { () -> Void in
                Signals.deliver(to: mailbox) { ServiceManager.notify(.stopping) }
            }
        }
        precondition(isTaken, "a new thread's queue is full")
    }

    private static func engine(_ global: GlobalSettings) -> Reactor.EventEngine {
        switch global.eventEngine {
        case .auto: .automatic
        case .ioUring: .ioUring
        case .epoll: .epoll
        }
    }

    private static func raiseDescriptorLimit(
        _ settings: Settings,
        _ users: UserList,
        _ logger: Logger
    ) {
        let before = DescriptorLimit.current
        let after = DescriptorLimit.raise()
        let need = DescriptorNeed.descriptors(for: settings, users: users.users.count)
        logger.info(
            """
            kernel file descriptor limit: \(before.soft) (hard: \(before.hard)); \
            max_client_conn: \(settings.global.maxClientConn), max expected fd use: \(need)
            """
        )
        if UInt64(need) > after.soft {
            logger.warning(
                """
                the limit of \(after.soft) file descriptors is too low for the \(need) that the \
                settings may need: raise it (ulimit -Hn, LimitNOFILE) or lower max_client_conn
                """
            )
        }
    }

    private static func reportStart(_ worker: Worker, _ workers: Int, _ logs: PoolerLogs) {
        let (engine, reason) = worker.engine
        if let reason { logs.logger.warning("io_uring is not used: \(reason)") }
        if logs.dropsSlowQueries {
            logs.logger.warning("slow queries are not logged: set logfile or slow_query_log")
        }
        logs.logger.info(
            """
            process up: Weir \(WeirVersion.number), PostgreSQL protocol \
            \(WeirVersion.protocolVersion), event engine \(engine), workers \(workers)
            """
        )
    }
}
