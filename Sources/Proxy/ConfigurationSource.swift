public import Auth
public import Settings

/// Where the configuration comes from; files are somebody else's matter.
public protocol ConfigurationSource: Sendable {
    /// Reads the configuration again; `path` instead of the present file where it is set.
    func settings(from path: String?) throws(ConfigurationFailure) -> Settings
    /// Reads the users' secrets that the configuration names; an empty list where it names none.
    func users(for settings: Settings) throws(ConfigurationFailure) -> UserList
    /// Whether the users' file is another one than when it was last read.
    func usersChanged(for settings: Settings) -> Bool
    /// Opens log files anew, after they were moved away.
    func reopenLogs()
}

/// Why a configuration cannot be used: text for the log.
public struct ConfigurationFailure: Error, Sendable {
    /// What is wrong and where.
    public let reason: String

    /// Creates a failure.
    public init(reason: String) { self.reason = reason }
}
