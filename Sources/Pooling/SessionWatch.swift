/// What one client may have left behind on its server, and what is known to be there.
///
/// ## Function
/// Texts that are suspicious are told (`ran`), or that they were prepared (`parsed`) and that
/// something prepared is run (`bound`). When the transaction is over and the server owes nothing,
/// `transactionEnded` says what is to be asked, and `answered` draws the conclusions: what the
/// client has set, and what ties it to the server.
///
/// Asked, not modelled: what savepoints, errors and rollbacks make of a SET only the server knows.
public struct SessionWatch: Sendable {
    /// Something is to be done when the present transaction is over, or the client is tied to its
    /// server: whoever gives the server back looks here first.
    public private(set) var isRaised = false

    /// Something was prepared that is suspicious when it runs.
    public private(set) var hasPrepared = false

    /// What later statements mean may depend on something that has been set or made, and that is
    /// not known yet.
    public private(set) var isParsingUnsettled = false

    /// Whether what statements mean is this client's own matter: that is not settled yet, or a
    /// temporary table may stand in the way of another one.
    public var parsesAlone: Bool { self.isParsingUnsettled || self.held.contains(.temporaries) }

    /// What ties the client to its server.
    public private(set) var held: SessionKinds = []

    /// What has been suspected since the last answer.
    private(set) var raised: Suspicion {
        get { self.suspicions.first ?? .none }
        set { self.suspicions = [newValue, self.prepared] }
    }
    private var prepared: Suspicion {
        get { self.suspicions.last ?? .none }
        set { self.suspicions = [self.raised, newValue] }
    }
    /// Both; nothing for nearly all clients, which the size of an idle client depends on.
    private var suspicions: [Suspicion] = []
    /// Whatever it makes can be in the session's own schema, and no text shows it.
    private var makesTemporaries = false
    /// A DISCARD ALL has been run since something was suspected.
    private var hasDiscarded = false

    /// Creates the watch over a client that has done nothing.
    public init() {}

    // MARK: What runs

    /// A text is sent to be run.
    public mutating func ran(_ suspicion: Suspicion) {
        if suspicion.isNone { return }
        self.isRaised = true
        if self.raised.isNone {
            self.raised = suspicion
            self.hasDiscarded = false
        } else {
            self.raised.formUnion(suspicion)
        }
        if suspicion.changesParsing || suspicion.kinds.contains(.temporaries) {
            self.isParsingUnsettled = true
        }
        for one in suspicion.prepares { self.parsed(one) }
        self.raised.prepares = []
        if suspicion.kinds.contains(.libraries) { self.held.insert(.libraries) }
        if suspicion.executes { self.bound() }
    }

    /// A text is prepared. Until it runs nothing has happened.
    public mutating func parsed(_ suspicion: Suspicion) {
        if suspicion.isNone { return }
        self.hasPrepared = true
        self.prepared.formUnion(suspicion)
        self.prepared.executes = false
        self.prepared.prepares = []
    }

    /// Something prepared is run: it may be any of it.
    public mutating func bound() {
        if self.hasPrepared { self.ran(self.prepared) }
    }

    /// The server has run a DISCARD ALL of the client's.
    public mutating func discarded() { self.hasDiscarded = true }

    /// Whether something may have been run since the last answer that sets a setting back.
    public func mayReset(_ name: String) -> Bool {
        self.raised.resetsAll || self.raised.setsUnseen || self.raised.resets.contains(name)
    }

    // MARK: What is asked

    /// Whether the client keeps its server.
    public var isPinned: Bool { !self.held.isEmpty }

    /// What the server is to be asked, now that the transaction is over; nil when nothing is.
    ///
    /// - Parameter names: what the client has set before.
    public mutating func transactionEnded(settings names: [String]) -> SessionQuestion? {
        var question = SessionQuestion()
        question.names = self.raised.sets
        // Setting back changes only what is set.
        for name in names where !question.names.contains(name) {
            if self.raised.setsUnseen || self.raised.resetsAll || self.raised.resets.contains(name)
            {
                question.names.append(name)
            }
        }
        question.listsSettings = self.raised.setsUnseen
        question.kinds = self.raised.kinds.intersection(.askable)
        if self.raised.releases {
            question.kinds.formUnion(self.held.intersection(.askable))
        }
        if self.makesTemporaries { question.kinds.insert(.temporaries) }
        if self.held.contains(.unknown) { question.kinds = .askable }
        question.liftsTimeout = names.contains(SessionQuestion.timeout)
        if question.isEmpty {
            self.drawConclusions()
            return nil
        }
        return question
    }

    // MARK: What was answered

    /// The answer has come.
    ///
    /// - Parameters:
    ///   - settings: what the client has set before.
    ///   - loginUser: whom the server was logged in as.
    ///   - isFollowed: whether a setting is followed by what the server reports of it.
    /// - Returns: what it has set now; nil when that is not known.
    public mutating func answered(
        _ question: SessionQuestion,
        _ answer: SessionAnswer,
        settings: [SettingValue],
        loginUser: String,
        isFollowed: (String) -> Bool
    ) -> [SettingValue]? {
        guard answer.isWhole else {
            // What is not known may be anything; it is asked again after the next transaction.
            self.held.insert(.unknown)
            return nil
        }
        var now = settings.filter { !question.names.contains($0.name) }
        for setting in answer.listed
        where !isFollowed(setting.name) && !SettingNames.isOfTransaction(setting.name)
            && !now.contains(where: { $0.name == setting.name })
            && answer.named[setting.name] == nil
        {
            now.append(setting)
        }
        for (name, value) in answer.named {
            let before = settings.first { $0.name == name }
            guard let bytes = value.bytes, self.isSet(name, bytes, value.source, before),
                name != SettingNames.sessionAuthorization || bytes != Array(loginUser.utf8)
            else {
                continue
            }
            now.append(SettingValue(name: name, value: bytes))
        }
        self.held.remove(.unknown)
        self.held.subtract(question.kinds)
        self.held.formUnion(answer.held)
        self.hasSet(now)
        self.drawConclusions()
        return now
    }

    /// The client has these settings set.
    public mutating func hasSet(_ settings: [SettingValue]) {
        self.makesTemporaries = settings.contains {
            $0.name == SettingNames.searchPath && Self.namesTemporary($0.value)
        }
        self.isRaised = self.isRaised || self.makesTemporaries
    }

    /// Whether a setting was set for the session, rather than being as it is in a new one.
    private func isSet(
        _ name: String,
        _ value: [UInt8],
        _ source: String?,
        _ before: SettingValue?
    ) -> Bool {
        if let source { return source == "session" }
        // Listed nowhere. What may have been set may have been set to what is the value in a new
        // session, too.
        if self.raised.sets.contains(name) { return true }
        if value == before?.value { return true }
        return !Self.isNeutral(name, value)
    }

    private static func isNeutral(_ name: String, _ value: [UInt8]) -> Bool {
        switch name {
        case SettingNames.role: value == Array("none".utf8)
        case SettingNames.sessionAuthorization: false  // Whoever it is, is named.
        case SessionQuestion.timeout: value == Array("0".utf8)
        default: value.isEmpty
        }
    }

    private static func namesTemporary(_ path: [UInt8]) -> Bool {
        String(decoding: path, as: UTF8.self).lowercased().contains("pg_temp")
    }

    /// What was suspected is known now.
    private mutating func drawConclusions() {
        if self.raised.hidesNames { self.held.insert(.settings) }
        // DISCARD ALL cannot be taken back; that it was sent does not say that it was run.
        let discards =
            self.raised.onlySets && self.raised.resetsAll && !self.raised.resets.isEmpty
        if discards, self.hasDiscarded { self.held.remove(.settings) }
        self.forgetRaised()
        self.isRaised = self.isPinned || self.makesTemporaries
    }

    /// The server was reset, or is another one: nothing ties the client to it any more.
    public mutating func unpinned() {
        self.held = []
        self.forgetRaised()
        self.isRaised = self.makesTemporaries
    }

    private mutating func forgetRaised() {
        self.suspicions = self.hasPrepared ? [.none, self.prepared] : []
        self.hasDiscarded = false
        self.isParsingUnsettled = false
    }
}
