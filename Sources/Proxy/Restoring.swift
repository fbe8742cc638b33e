import Logging
import Pooling
import Reactor
import Settings
import Wire

/// RESET gives a client what it has logged in with, where the server connection, which was opened
/// for nobody in particular, gives what a session has that asks for nothing.
///
/// ## Function
/// That something was set back the tags of commands tell, at no cost to who sets nothing; what was
/// set back the values tell, or PostgreSQL where those can mean two things. The values of the login
/// are set before the client gets the ReadyForQuery of its command, in its transaction if there is
/// one: so they share what becomes of the RESET. What PostgreSQL has reported in between is kept
/// from the client, which is told the difference, as it would have been without a pooler.
extension Worker {
    // MARK: Noticing

    /// A command about settings has been completed.
    func settingCompleted(_ server: ServerConnection, _ tag: SettingTags) {
        guard server.own == .none, let client = server.client, client.session.state == .linked,
            client.loginParameters != .unknown || !client.startupSettings.isEmpty
        else { return }
        server.settingTags.formUnion(tag)
    }

    /// Whether a client has asked for a setting, among those that the server reports, when it
    /// connected.
    func isOfLogin(_ name: String, _ client: ClientConnection) -> Bool {
        guard client.loginParameters != .unknown, let place = self.parameters.place(of: name) else {
            return false
        }
        return self.parameters.values(of: client.loginParameters)[place] != nil
    }

    /// Whether a message that nothing was asked for is such a report.
    func isInDoubt(_ server: ServerConnection, _ span: Span<UInt8>, _ frame: Frame) -> Bool {
        guard frame.kind == BackendKind.parameterStatus.rawValue,
            let (place, value) = self.parameterReport(span, frame.bodyOffset..<frame.end)
        else { return false }
        return self.isInDoubt(place, value, server)
    }

    /// Whether a report may be of a value that the client would not get from PostgreSQL.
    func isInDoubt(_ place: Int, _ value: String, _ server: ServerConnection) -> Bool {
        guard !server.settingTags.isEmpty, let client = server.client,
            let login = self.parameters.values(of: client.loginParameters)[place], login != value
        else { return false }
        return server.settingTags.contains(.reset) || value == Self.neutral(server)?[place]
    }

    /// The values that a session of the pool's has which has asked for nothing.
    private static func neutral(_ server: ServerConnection) -> [String?]? {
        server.pool.greeting?.values
    }

    // MARK: Setting

    /// A batch has ended in a transaction that has done something to settings; the client has had
    /// all but the ReadyForQuery.
    ///
    /// - Returns: whether that is to wait for the values of the login.
    func restoresLogin(_ server: ServerConnection) -> Bool {
        // What comes behind it has been sent already, and is answered first.
        guard let client = server.client, server.session.ledger.isSettled else { return false }
        let status = server.session.status
        var query: String?
        // A transaction that has failed has set nothing back.
        if status != .failed, !server.session.ledger.isMisled, !server.session.ledger.isDoubtful,
            client.reader.remaining == 0 || client.isDiscarding
        {
            query = self.restoration(client, server)
        }
        // What SET … TO DEFAULT has done in a transaction is seen when that is over.
        server.settingTags = status == .idle ? [] : server.settingTags.intersection(.set)
        guard let query else {
            self.tellParameters(client, server)
            return false
        }
        client.session.linkPaused()
        server.restoration = query
        server.deadline = self.loop.now + Self.recoveryTimeout
        self.askPending(server)
        return true
    }

    /// The statement that sets what was set back to what it was at the client's login; nil where
    /// nothing was.
    private func restoration(_ client: ClientConnection, _ server: ServerConnection) -> String? {
        let isOver = server.session.status == .idle
        let isShared = client.session.mode != .session
        let present = self.parameters.values(of: server.parameters)
        let told = self.parameters.values(of: client.parameters)
        let neutral = Self.neutral(server)
        var settings: [SettingValue] = []
        var isCertain = server.settingTags == .reset
        for (place, value) in self.parameters.values(of: client.loginParameters).enumerated() {
            guard let value, let now = present[place], now != value else { continue }
            let name = self.parameters.names[place]
            let isNeutral = now == neutral?[place]
            // Other servers may stand so for no reason: there the texts tell.
            guard
                isShared
                    ? client.watch.mayReset(name.lowercased())
                    : server.settingTags.contains(.reset) || (isOver && isNeutral)
            else { continue }
            isCertain = isCertain && isNeutral && told[place] != now
            settings.append(SettingValue(name: name, value: Array(value.utf8)))
        }
        // Where servers are shared, and the transaction is over, these come with the next link.
        if isShared ? !isOver : isOver || server.settingTags.contains(.reset) {
            for setting in client.startupSettings
            where setting.name != SettingNames.sessionAuthorization
                && (!isShared || client.watch.mayReset(setting.name))
            {
                isCertain = false
                settings.append(setting)
            }
        }
        if settings.isEmpty { return nil }
        let query = SettingValue.statement(settings, onlyIfReset: !isCertain)
        // The client's own limit is not for this; but in its transaction it is not touched, nor
        // where it is what is asked for.
        guard isOver, !settings.contains(where: { $0.name == "statement_timeout" }) else {
            return query
        }
        return "SET LOCAL statement_timeout = 0;" + query
    }

    /// The values are set, or cannot be, which is the client's error.
    func restored(_ server: ServerConnection, _ error: ErrorFields?) {
        guard let client = server.client else { return }
        server.deadline = .max
        client.session.linked()
        if let error {
            self.writer.removeAll()
            self.writer.error(error)
            self.send(self.writer.bytes, to: client.socket)
        }
        self.tellParameters(client, server)
        self.writer.removeAll()
        self.writer.readyForQuery(server.session.status)
        self.send(self.writer.bytes, to: client.socket)
        self.batchEnded(server)
        if client.server == nil, client.isCancelPending { return self.refuseCanceled(client) }
        self.readyClients.append(client.id)
    }
}
