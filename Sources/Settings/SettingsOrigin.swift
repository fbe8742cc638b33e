/// Where a setting was given.
public enum SettingsOrigin: Sendable, Hashable {
    /// A line of a file, counted from 1.
    case file(String, line: Int)
    /// An environment variable; the name is the full one (`WEIR_POOL_MODE`).
    case environment(variable: String)
    /// `--set` on the command line.
    case commandLine
    /// The URL of `--database-url`.
    case databaseURL
    /// The address of `--listen`.
    case listenOption
    /// `SET` on the admin console.
    case console
    /// Nowhere in particular: a default, or several places together.
    case configuration
}

extension SettingsOrigin: CustomStringConvertible {
    /// The place as an error message names it.
    public var description: String {
        switch self {
        case .file(let name, let line): "\(name):\(line)"
        case .environment(let variable): "environment variable \(variable)"
        case .commandLine: "--set"
        case .databaseURL: "--database-url"
        case .listenOption: "--listen"
        case .console: "SET"
        case .configuration: "configuration"
        }
    }
}
