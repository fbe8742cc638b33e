import ArgumentParser

/// The arguments that say what the configuration is.
struct ConfigurationArguments: ParsableArguments {
    @Argument(help: ArgumentHelp("The configuration file.", valueName: "CONFIG.ini"))
    var file: String?

    @Option(
        name: .customLong("set"),
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp("A setting that wins over file and environment.", valueName: "KEY=VALUE")
    )
    var assignments: [SettingAssignment] = []

    /// What `--set` gave.
    var overrides: [(key: String, value: String)] {
        self.assignments.map { ($0.key, $0.value) }
    }
}
