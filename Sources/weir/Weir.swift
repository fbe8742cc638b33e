import ArgumentParser

/// The command line: `weir [run] CONFIG.ini`, `weir check CONFIG.ini`.
@main
struct Weir: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "weir",
        abstract: "A connection pooler for PostgreSQL.",
        usage: """
            weir [run] CONFIG.ini [-d] [-q] [-v ...] [-u USER] [--set KEY=VALUE ...]
            weir run --database-url URL [--listen ADDRESS:PORT] [--set KEY=VALUE ...]
            weir check CONFIG.ini [--set KEY=VALUE ...]
            weir -V | -h
            """,
        discussion: """
            Every setting can also come from the environment: WEIR_POOL_MODE=transaction. \
            `weir help run` lists the options.
            """,
        subcommands: [RunCommand.self, CheckCommand.self],
        defaultSubcommand: RunCommand.self
    )

    /// Exits with 0 or 1 only: the parser's own code for bad usage is 64, PgBouncer's is 1.
    static func main() {
        do {
            var command = try Self.parseAsRoot()
            try command.run()
        } catch {
            if let failure = error as? StartFailure {
                TextOutput.standardError.write(line: "weir: \(failure)")
            } else {
                let isWanted = Self.exitCode(for: error) == .success
                let output = isWanted ? TextOutput.standardOutput : .standardError
                let message = Self.fullMessage(for: error)
                if !message.isEmpty { output.write(line: message) }
                if isWanted { return }
            }
            Self.exit(withError: ExitCode.failure)
        }
    }
}
