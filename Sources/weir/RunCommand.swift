import ArgumentParser

/// `weir run`: the pooler itself.
struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "A connection pooler for PostgreSQL.",
        usage: """
            weir [run] CONFIG.ini [-d] [-q] [-v ...] [-u USER] [--set KEY=VALUE ...]
            weir run --database-url URL [--listen ADDRESS:PORT] [--set KEY=VALUE ...]
            weir check CONFIG.ini [--set KEY=VALUE ...]
            weir -V | -h
            """,
        discussion: """
            `weir check` prints every mistake in a configuration with its place. Every setting can \
            also come from the environment: WEIR_POOL_MODE=transaction.
            """,
        helpNames: .shortAndLong
    )

    @OptionGroup var arguments: ConfigurationArguments

    @Option(
        name: .customLong("database-url"),
        help: ArgumentHelp(
            "Instead of a file: stand before this one database, for its user.",
            valueName: "URL"
        )
    )
    var databaseURL: String?

    @Option(
        name: .customLong("listen"),
        help: ArgumentHelp(
            "With --database-url: where clients come in (default: 127.0.0.1:6432).",
            valueName: "ADDRESS:PORT"
        )
    )
    var listen: String?

    @Flag(name: .shortAndLong, help: "Go into the background; needs pidfile.")
    var daemon = false

    @Flag(name: .shortAndLong, help: "Do not log to standard error.")
    var quiet = false

    @Flag(name: .shortAndLong, help: "Log more; twice for still more.")
    var verbose: Int

    @Option(name: .shortAndLong, help: ArgumentHelp("Become this user.", valueName: "USER"))
    var user: String?

    @Flag(name: [.customShort("V"), .customLong("version")], help: "Show the version.")
    var version = false

    @Flag(name: [.customShort("R"), .customLong("reboot")], help: .hidden)
    var reboot = false

    func run() throws {
        if self.version {
            for line in WeirVersion.lines { TextOutput.standardOutput.write(line: line) }
            return
        }
        let files = ConfigurationFiles(
            origin: try self.origin(),
            environment: EnvironmentVariables.settings(),
            overrides: self.arguments.overrides
        )
        try PoolerProcess(
            files: files,
            user: self.user,
            isDaemon: self.daemon,
            isQuiet: self.quiet,
            extraVerbosity: self.verbose
        ).run()
    }

    /// Where the configuration is; throws when the arguments do not say so, or say it twice.
    ///
    /// Not in `validate()`, which comes before the parser's own complaint about unknown options.
    private func origin() throws -> ConfigurationFiles.Origin {
        if self.reboot {
            throw ValidationError(
                "-R (taking over from a running process) is not supported: stop it, then start"
            )
        }
        switch (self.arguments.file, self.databaseURL) {
        case (nil, nil):
            throw ValidationError("Missing CONFIG.ini or --database-url")
        case (_?, _?):
            throw ValidationError("CONFIG.ini and --database-url exclude each other")
        case (let file?, nil):
            if self.listen == nil { return .file(file) }
            throw ValidationError(
                "--listen belongs to --database-url; with a file use --set listen_addr=ADDRESS"
            )
        case (nil, let url?):
            return .databaseURL(url, listen: self.listen)
        }
    }
}
