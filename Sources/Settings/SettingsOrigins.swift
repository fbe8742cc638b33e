/// Where each part of a configuration was given last, for messages.
struct SettingsOrigins: Sendable {
    /// By global key.
    var global: [String: SettingsOrigin] = [:]
    /// By database name.
    var databases: [String: SettingsOrigin] = [:]
    /// By user name.
    var users: [String: SettingsOrigin] = [:]
    /// By the name of a server.
    var servers: [String: SettingsOrigin] = [:]

    /// The place of the last of some global keys that were given at all.
    func ofGlobal(_ keys: String...) -> SettingsOrigin {
        keys.lazy.compactMap { self.global[$0] }.first ?? .configuration
    }

    /// The place of a database entry.
    func ofDatabase(_ name: String) -> SettingsOrigin {
        self.databases[name] ?? .configuration
    }
}
