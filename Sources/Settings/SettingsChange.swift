/// What a reload changes: the difference between two configurations.
///
/// Keys that a running process cannot change keep their old value, so what applies after the reload
/// is ``effective`` and not the new configuration itself. Names come sorted; `*` is a name too.
public struct SettingsChange: Sendable, Equatable {
    /// What applies after the reload.
    public let effective: Settings
    /// Databases that only the new configuration has.
    public let addedDatabases: [String]
    /// Databases that only the old configuration has: their pools end.
    public let removedDatabases: [String]
    /// Databases whose entries differ.
    public let changedDatabases: [ChangedDatabase]
    /// Users whose entries differ, or that only one of the two has.
    public let changedUsers: [String]
    /// Global keys that get another value.
    public let changedGlobalKeys: [String]
    /// Global keys that were given another value but keep the old one until the next start.
    public let ignoredKeys: [String]

    /// A database whose entry differs.
    public struct ChangedDatabase: Sendable, Equatable {
        /// Its name.
        public let name: String
        /// Whether its server connections are the wrong ones from now on and must be replaced.
        public let needsReconnect: Bool
    }

    /// Compares what applies now with what was read.
    public init(from old: Settings, to new: Settings) {
        let names = Self.entries(of: old)
        let newNames = Self.entries(of: new)
        self.addedDatabases = newNames.keys.filter { names[$0] == nil }.sorted()
        self.removedDatabases = names.keys.filter { newNames[$0] == nil }.sorted()
        self.changedDatabases = names.keys.sorted().compactMap { name in
            guard let before = names[name], let after = newNames[name], before != after
            else { return nil }
            return ChangedDatabase(
                name: name,
                needsReconnect: after.needsReconnect(from: before)
            )
        }
        self.changedUsers = Set(old.users.keys).union(new.users.keys)
            .filter { old.users[$0] != new.users[$0] }.sorted()

        var effective = new
        var changed: [String] = []
        var ignored: [String] = []
        for setting in SettingTable.global where !setting.isEqual(old.global, new.global) {
            if setting.isReloadable {
                changed.append(setting.name)
            } else {
                ignored.append(setting.name)
                setting.copy(old.global, &effective.global)
            }
        }
        self.changedGlobalKeys = changed
        self.ignoredKeys = ignored
        self.effective = effective
    }

    /// Whether the reload changes nothing that applies.
    public var isEmpty: Bool {
        self.addedDatabases.isEmpty && self.removedDatabases.isEmpty
            && self.changedDatabases.isEmpty && self.changedUsers.isEmpty
            && self.changedGlobalKeys.isEmpty
    }

    private static func entries(of settings: Settings) -> [String: DatabaseSettings] {
        var entries = settings.databases
        entries["*"] = settings.fallbackDatabase
        return entries
    }
}
