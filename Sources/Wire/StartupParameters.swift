/// What a StartupMessage asks for.
public struct StartupParameters: Equatable, Sendable {
    /// One parameter, as sent.
    public struct Parameter: Equatable, Sendable {
        public var name: String
        public var value: String

        /// Creates a parameter.
        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// The minor version asked for.
    public var minor: Int32
    /// `user`.
    public var user: String
    /// `database`; the user's name when none was sent.
    public var database: String
    /// Everything but `user`, `database` and `_pq_.` options, in order.
    public var others: [Parameter]
    /// The names of `_pq_.` options, none of which is known.
    public var protocolOptions: [String]

    /// The newest minor version that is spoken.
    public static let newestMinor: Int32 = 2

    /// The minor version that is spoken with this client: the newest that both know. 3.1 is
    /// nobody's: it was skipped, since old poolers say that they speak it and do not.
    public var agreedMinor: Int32 { self.minor < Self.newestMinor ? 0 : Self.newestMinor }

    /// Whether the client must be told what is spoken before anything else, because it asked for
    /// something else.
    public var needsNegotiation: Bool {
        self.minor != self.agreedMinor || !self.protocolOptions.isEmpty
    }

    /// Creates what a client of protocol 3.0 sends.
    public init(user: String, database: String, others: [Parameter] = []) {
        self.minor = 0
        self.user = user
        self.database = database
        self.others = others
        self.protocolOptions = []
    }

    /// Reads the pairs of zero-terminated names and values from `offset` to the terminator that
    /// must be the last byte.
    init(parsing bytes: Span<UInt8>, at offset: Int, minor: Int32) throws(StartupError) {
        self.init(user: "", database: "")
        self.minor = minor
        var position = offset
        var count = 0
        while position < bytes.count, bytes[position] != 0 {
            count += 1
            guard count <= Limits.startupParametersMax else { throw .tooManyParameters }
            let name = try Self.string(in: bytes, from: &position)
            let value = try Self.string(in: bytes, from: &position)
            self.set(name, to: value)
        }
        guard position == bytes.count - 1 else { throw .invalidLayout }
        try self.validate()
    }

    private mutating func set(_ name: String, to value: String) {
        if name == "user" {
            self.user = value
        } else if name == "database" {
            self.database = value
        } else if name.hasPrefix("_pq_.") {
            self.protocolOptions.append(name)
        } else {
            self.others.append(Parameter(name: name, value: value))
        }
    }

    private mutating func validate() throws(StartupError) {
        guard !self.user.isEmpty else { throw .noUser }
        guard self.user.utf8.count <= Limits.nameLengthMax else { throw .userTooLong }
        if self.database.isEmpty { self.database = self.user }
        guard self.database.utf8.count <= Limits.nameLengthMax else { throw .databaseTooLong }
    }

    private static func string(
        in bytes: Span<UInt8>,
        from position: inout Int
    ) throws(StartupError) -> String {
        guard let end = bytes.terminator(in: position..<bytes.count) else { throw .invalidLayout }
        guard let text = bytes.text(in: position..<end) else { throw .invalidText }
        position = end + 1
        return text
    }
}
