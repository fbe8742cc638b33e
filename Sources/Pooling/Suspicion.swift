/// What a statement may leave behind in its session, by its text alone.
///
/// A suspicion proves nothing: it says what the server is asked for when the transaction is over.
public struct Suspicion: Equatable, Sendable {
    /// What may tie its client to the server.
    public var kinds: SessionKinds = []
    /// Of those, what the statement is clearly for.
    public var certain: SessionKinds = []
    /// Settings that it sets for the session, in lower case.
    public var sets: [String] = []
    /// Settings that it sets back to what they are in a new session.
    public var resets: [String] = []
    /// It sets settings whose names are not seen; the server lists them if it knows them.
    public var setsUnseen = false
    /// It sets settings that nobody can list: of the application's own, by names that are not seen.
    public var hidesNames = false
    /// It sets all settings back but the role.
    public var resetsAll = false
    /// It sets something that the meaning of later statements may depend on, if only for its own
    /// transaction.
    public var changesParsing = false
    /// It may end what ties its client to the server.
    public var releases = false
    /// It runs what was prepared before.
    public var executes = false
    /// It stands alone in its text, and does nothing but to set settings, or set them back.
    public var onlySets = false
    /// What it prepares, and does not run.
    var prepares: [Suspicion] = []

    /// A statement that leaves nothing behind.
    public static let none = Suspicion()

    /// Settings named in one text; beyond that all are asked for.
    static let namesMax = 8

    /// All that can be asked for: what is in the text cannot be told.
    public static var everything: Suspicion {
        var suspicion = Suspicion()
        suspicion.kinds = .askable
        suspicion.setsUnseen = true
        suspicion.changesParsing = true
        suspicion.releases = true
        suspicion.executes = true
        return suspicion
    }

    /// What a call through the fast path may leave behind, by the function's number; nil where it
    /// is not seen.
    public init(calling function: UInt32?) {
        switch function {
        case Self.setConfig?:
            self.setsUnseen = true
            self.hidesNames = true
            self.changesParsing = true
        case .some(let number) where Self.advisoryLocks.contains(number):
            self.kinds = .locks
            self.releases = true
        case .some: break
        case nil: self = .everything
        }
    }

    private init() {}

    /// `set_config` in pg_proc.
    private static let setConfig: UInt32 = 2_078
    /// `pg_advisory_lock` and its kin.
    private static let advisoryLocks: ClosedRange<UInt32> = 2_880...2_892

    /// Whether nothing is suspected.
    public var isNone: Bool { self == Suspicion.none }

    /// Whether a setting may have been given a value.
    var setsAny: Bool { !self.sets.isEmpty || self.setsUnseen || self.hidesNames }

    /// Adds what another statement may leave behind.
    public mutating func formUnion(_ other: Suspicion) {
        self.kinds.formUnion(other.kinds)
        self.certain.formUnion(other.certain)
        self.setsUnseen = self.setsUnseen || other.setsUnseen
        self.hidesNames = self.hidesNames || other.hidesNames
        self.resetsAll = self.resetsAll || other.resetsAll
        self.changesParsing = self.changesParsing || other.changesParsing
        self.releases = self.releases || other.releases
        self.executes = self.executes || other.executes
        self.onlySets = false
        for name in other.sets { self.add(name) }
        for name in other.resets where !self.resets.contains(name) { self.resets.append(name) }
        self.prepares += other.prepares
    }

    /// Leaves nothing but what concerns settings.
    public mutating func forgetKinds() {
        self.kinds = []
        self.certain = []
        self.hidesNames = false
        for index in self.prepares.indices { self.prepares[index].forgetKinds() }
    }

    /// Adds a setting that is set.
    mutating func add(_ name: String) {
        guard !self.sets.contains(name) else { return }
        guard self.sets.count < Self.namesMax else {
            self.setsUnseen = true
            if SettingNames.isCustom(name) { self.hidesNames = true }
            return
        }
        self.sets.append(name)
    }
}
