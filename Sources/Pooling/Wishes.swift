/// What clients have set for their sessions beyond the settings that the server reports, and every
/// combination of it that somebody has now.
///
/// As with `TrackedParameters`, a client and a server each hold a combination, and whether the
/// server stands as the client wants it is one comparison of integers. Who has set nothing has
/// `.none`, which nobody counts.
public struct Wishes: Sendable {
    /// A combination of settings.
    public struct Combination: Hashable, Sendable {
        fileprivate var index: Int

        /// Nothing is set.
        public static let none = Combination(index: 0)
    }

    private struct Entry {
        var settings: [SettingValue] = []
        var holders = 0
    }

    /// The first entry is `.none`'s.
    private var entries = [Entry()]
    private var free: [Int] = []
    private var known: [[SettingValue]: Int] = [:]

    /// Creates the table.
    public init() {}

    /// How many combinations somebody has.
    public var count: Int { self.known.count }

    /// The settings of a combination, by name.
    public func settings(of combination: Combination) -> [SettingValue] {
        self.entries[combination.index].settings
    }

    /// Whether a combination has a setting.
    public func contains(_ name: String, in combination: Combination) -> Bool {
        combination != .none && self.settings(of: combination).contains { $0.name == name }
    }

    /// Whether a server with this combination would end while it waits in its pool.
    public func endsIdleServers(_ combination: Combination) -> Bool {
        self.contains(SettingNames.idleSessionTimeout, in: combination)
    }

    /// What parsing can depend on in a combination, as bytes that are equal for two combinations
    /// only if that is; empty where nothing matters.
    public func parsing(of combination: Combination) -> [UInt8] {
        var content: [UInt8] = []
        guard combination != .none else { return content }
        for setting in self.settings(of: combination)
        where SettingNames.affectsParsing(setting.name) {
            content += setting.name.utf8
            content.append(0)
            content += setting.value
            content.append(0)
        }
        return content
    }

    /// Takes a hold of the combination of these settings; of two values of one name the later
    /// counts.
    public mutating func hold(_ settings: [SettingValue]) -> Combination {
        var values: [String: [UInt8]] = [:]
        for setting in settings { values[setting.name] = setting.value }
        let sorted = values.sorted { $0.key < $1.key }.map {
            SettingValue(name: $0.key, value: $0.value)
        }
        if sorted.isEmpty { return .none }
        if let index = self.known[sorted] {
            self.entries[index].holders += 1
            return Combination(index: index)
        }
        let index = self.free.popLast() ?? self.entries.count
        let entry = Entry(settings: sorted, holders: 1)
        if index == self.entries.count {
            self.entries.append(entry)
        } else {
            self.entries[index] = entry
        }
        self.known[sorted] = index
        return Combination(index: index)
    }

    /// Takes one more hold.
    public mutating func retain(_ combination: Combination) {
        guard combination != .none else { return }
        self.entries[combination.index].holders += 1
    }

    /// Gives a hold back.
    public mutating func release(_ combination: Combination) {
        guard combination != .none else { return }
        let index = combination.index
        self.entries[index].holders -= 1
        precondition(self.entries[index].holders >= 0, "a combination released too often")
        guard self.entries[index].holders == 0 else { return }
        self.known[self.entries[index].settings] = nil
        self.entries[index].settings = []
        self.free.append(index)
    }

    // MARK: From one to another

    /// The statements that bring a server from one combination to another, as one text that does
    /// all of it or nothing; nil when there is nothing to do.
    ///
    /// The role goes first and comes last, since it decides what else may be set.
    ///
    /// - Parameter calls: more calls of `set_config`, for what is not kept here.
    public func statements(
        from present: Combination,
        to wanted: Combination,
        with calls: [String] = []
    ) -> String? {
        if present == wanted, calls.isEmpty { return nil }
        let present = self.settings(of: present)
        let wanted = self.settings(of: wanted)
        var statements: [String] = []
        if present.contains(where: { $0.name == "statement_timeout" }) {
            // The client's limit is for the client's statements.
            statements.append("SET LOCAL statement_timeout = 0")
        }
        if present.contains(where: { $0.name == SettingNames.sessionAuthorization }) {
            statements.append("RESET SESSION AUTHORIZATION")
        }
        if present.contains(where: { $0.name == SettingNames.role }) {
            statements.append("RESET ROLE")
        }
        var calls = calls
        let identity = [SettingNames.sessionAuthorization, SettingNames.role]
        for setting in present where !identity.contains(setting.name) {
            if wanted.contains(where: { $0.name == setting.name }) { continue }
            calls.append(Self.call(setting.name, "NULL"))
        }
        for setting in wanted where !identity.contains(setting.name) {
            if present.contains(setting) { continue }
            calls.append(Self.call(setting.name, setting.literal))
        }
        for name in identity {
            guard let setting = wanted.first(where: { $0.name == name }) else { continue }
            calls.append(Self.call(name, setting.literal))
        }
        if !calls.isEmpty { statements.append("SELECT " + calls.joined(separator: ",")) }
        return statements.joined(separator: ";")
    }

    private static func call(_ name: String, _ value: String) -> String {
        "pg_catalog.set_config(\(SettingValue.literal(name)),\(value),false)"
    }
}
