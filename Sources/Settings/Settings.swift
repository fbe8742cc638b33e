/// A whole configuration, valid and immutable: nothing invalid can be held in one.
///
/// It is made from text by ``init(parsing:file:environment:overrides:include:)`` or from a URL by
/// ``forDatabaseURL(_:listen:environment:overrides:)``. A reload makes a new one and compares the
/// two with ``SettingsChange``, so that a reload which fails has changed nothing.
public struct Settings: Sendable, Equatable {
    /// The keys of `[weir]`.
    public internal(set) var global: GlobalSettings
    /// The entries of `[databases]` by name, without `*`.
    public internal(set) var databases: [String: DatabaseSettings]
    /// The entry `*`, the template for names that ``databases`` lacks.
    public internal(set) var fallbackDatabase: DatabaseSettings?
    /// The entries of `[users]` by name.
    public internal(set) var users: [String: UserSettings]
    /// The entries of `[peers]` by their `peer_id`.
    public internal(set) var peers: [Int: PeerSettings]
    /// The entries of `[servers]` by name.
    public internal(set) var servers: [String: ServerSettings]
    /// Users who may log in although no file names them.
    public internal(set) var inlineUsers: [InlineUser]
    /// What is legal but probably not meant, each a sentence for the log.
    public internal(set) var warnings: [String]

    /// Reads a configuration.
    ///
    /// A later source wins: defaults, the file, the environment, the overrides. Within a source the
    /// last of several lines for one key wins.
    ///
    /// - Parameters:
    ///   - text: The text of the file; may be empty.
    ///   - file: The file's name for messages, and what `conffile` shows.
    ///   - environment: Variables by key: `WEIR_POOL_MODE` as `pool_mode`. A key that does not
    ///     exist is a warning and not an error: Kubernetes sets `WEIR_SERVICE_HOST` and its like by
    ///     itself for a service that is named weir.
    ///   - overrides: What `--set` gave.
    ///   - include: Returns the text of a file that an `%include` names.
    public init(
        parsing text: String,
        file: String,
        environment: [(key: String, value: String)] = [],
        overrides: [(key: String, value: String)] = [],
        include: (String) throws(IncludeFailure) -> String = Self.noIncludes
    ) throws(SettingsErrors) {
        var builder = SettingsBuilder()
        builder.global.conffile = file
        builder.add(SettingsFile(text: text, name: file, include: include))
        builder.addEnvironment(environment)
        builder.addOverrides(overrides)
        self = try builder.finished()
    }

    /// A loader for configurations that may not include files.
    public static func noIncludes(_ path: String) throws(IncludeFailure) -> String {
        throw IncludeFailure(reason: "files cannot be included here")
    }

    init(
        global: GlobalSettings,
        databases: [String: DatabaseSettings] = [:],
        fallbackDatabase: DatabaseSettings? = nil,
        users: [String: UserSettings] = [:],
        servers: [String: ServerSettings] = [:],
        peers: [Int: PeerSettings] = [:],
        inlineUsers: [InlineUser] = []
    ) {
        self.global = global
        self.databases = databases
        self.fallbackDatabase = fallbackDatabase
        self.users = users
        self.servers = servers
        self.peers = peers
        self.inlineUsers = inlineUsers
        self.warnings = []
    }
}
