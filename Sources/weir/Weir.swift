import ArgumentParser

/// The command line: `weir [run] CONFIG.ini`, `weir check CONFIG.ini`.
@main
struct Weir: ParsableCommand {
    /// Without help of its own: `weir -h` is that of `run`, which stands for `weir` alone.
    static let configuration = CommandConfiguration(
        commandName: "weir",
        subcommands: [RunCommand.self, CheckCommand.self],
        defaultSubcommand: RunCommand.self,
        helpNames: []
    )

    /// Exits with 0 or 1 only: the parser's own code for bad usage is 64, PgBouncer's is 1.
    static func main() {
        var kind: any ParsableCommand.Type = Self.self
        do {
            var command = try Self.parseAsRoot()
            kind = type(of: command)
            try command.run()
        } catch let failure as StartFailure {
            TextOutput.standardError.write(line: "weir: \(failure)")
            Self.exit(withError: ExitCode.failure)
        } catch let mistake as ValidationError {
            let usage = Self.usageString(for: kind).split(separator: "\n")
            TextOutput.standardError.write(line: "Error: \(mistake.message)")
            TextOutput.standardError.write(line: "Usage: " + usage.joined(separator: "\n       "))
            Self.exit(withError: ExitCode.failure)
        } catch {
            let isWanted = Self.exitCode(for: error) == .success
            let message = Self.fullMessage(for: error)
            if !message.isEmpty {
                (isWanted ? TextOutput.standardOutput : .standardError).write(line: message)
            }
            if !isWanted { Self.exit(withError: ExitCode.failure) }
        }
    }
}
