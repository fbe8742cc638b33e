import ArgumentParser
import Auth
import Proxy
import Settings

/// `weir check CONFIG.ini`: says what is wrong with a configuration without using it.
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check a configuration and print every mistake with its place.",
        usage: "weir check CONFIG.ini [--set KEY=VALUE ...]",
        helpNames: .shortAndLong
    )

    @OptionGroup var arguments: ConfigurationArguments

    func run() throws {
        guard let file = self.arguments.file else {
            throw ValidationError("Missing CONFIG.ini")
        }
        let files = ConfigurationFiles(
            origin: .file(file),
            environment: EnvironmentVariables.settings(),
            overrides: self.arguments.overrides
        )
        do throws(ConfigurationFailure) {
            let settings = try files.settings(from: nil)
            for warning in settings.warnings {
                TextOutput.standardError.write(line: "warning: \(warning)")
            }
            let users = try files.users(for: settings)
            TextOutput.standardOutput.write(line: Self.summary(of: settings, users))
        } catch {
            TextOutput.standardError.write(line: error.reason)
            throw ExitCode.failure
        }
    }

    private static func summary(of settings: Settings, _ users: UserList) -> String {
        let databases = self.count(settings.databases.count, "database")
        let fallback = settings.fallbackDatabase == nil ? "" : " and *"
        return "configuration OK: \(databases)\(fallback), "
            + "\(self.count(users.users.count, "user")), "
            + self.count(settings.warnings.count, "warning")
    }

    private static func count(_ number: Int, _ noun: String) -> String {
        "\(number) \(noun)\(number == 1 ? "" : "s")"
    }
}
