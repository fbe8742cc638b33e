import Logging
import Pooling
import Reactor
import Settings
import Wire

/// What clients have set goes with them from server to server.
extension Worker {
    // MARK: From the start

    /// Notes what a client has asked for when it connected. What the server does not report cannot
    /// be followed by reports, so it is a setting like any other.
    ///
    /// - Returns: the values of the followed parameters.
    func wish(
        _ values: [String?],
        _ client: ClientConnection,
        _ login: ClientLogin,
        _ pool: PoolEntry
    ) -> [String?] {
        var values = values
        var settings = login.settings
        for (place, name) in self.parameters.names.enumerated() {
            guard let value = login.wanted[place], pool.greeting?.values[place] == nil else {
                continue
            }
            values[place] = nil
            settings.append(SettingValue(name: name.lowercased(), value: Array(value.utf8)))
        }
        client.startupSettings = settings
        client.loginParameters = self.loginParameters(login.wanted, values)
        client.wishes = self.wishes.hold(settings)
        client.watch.hasSet(settings)
        return values
    }

    /// What RESET gives the client back of the values that it has now.
    private func loginParameters(
        _ wanted: [String?],
        _ values: [String?]
    ) -> TrackedParameters.Combination {
        let login = zip(wanted, values).map { $0 == nil ? nil : $1 }
        return login.contains { $0 != nil } ? self.parameters.hold(login) : .unknown
    }

    /// A client goes.
    func forgetWishes(of client: ClientConnection) {
        self.parameters.release(client.loginParameters)
        client.loginParameters = .unknown
        self.wishes.release(client.wishes)
        client.wishes = .none
        self.endPin(client)
    }

    // MARK: Applying

    /// The statements that make a server stand as its client wants it; nil when it does.
    func difference(_ client: ClientConnection, _ server: ServerConnection) -> String? {
        let calls = self.parameters.calls(from: server.parameters, to: client.parameters)
        var wanted = client.wishes
        self.wishes.retain(wanted)
        if let omits = client.omits {
            let rest = self.wishes.settings(of: wanted).filter { !omits.contains($0.name) }
            self.wishes.release(wanted)
            wanted = self.wishes.hold(rest)
        }
        let statements = self.wishes.statements(from: server.wishes, to: wanted, with: calls)
        if statements == nil {
            // Of what differs the client wants nothing in particular.
            if client.omits != nil { self.setWishes(of: client, to: wanted) }
            self.wishes.release(wanted)
        } else {
            server.applied = wanted
        }
        return statements
    }

    /// A client that keeps its server has other wishes now; true when the server is told of them.
    func catchesUp(_ client: ClientConnection, _ server: ServerConnection) -> Bool {
        guard client.wishes != server.wishes || client.parameters != server.parameters,
            let statements = self.difference(client, server)
        else { return false }
        server.deadline = self.connectDeadline
        self.ask(server, statements, for: .parameters)
        return true
    }

    /// The server stands as its client wants it, or refuses to.
    func parametersApplied(_ server: ServerConnection, _ error: ErrorFields?) {
        let wanted = server.applied
        server.applied = .none
        defer { self.wishes.release(wanted) }
        // All of it was set, or nothing.
        if error == nil { self.setWishes(of: server, to: wanted) }
        guard let client = server.client else { return }
        server.deadline = .max
        if let error { return self.refuse(client, server, error) }
        self.adoptSpellings(client, server)
        self.setWishes(of: client, to: wanted)
        client.hasProvenWishes = true
        client.isRefused = false
        client.omits = nil
        client.session.linked()
        if client.isCancelPending, !client.watch.isPinned {
            self.release(client, server)
            return self.refuseCanceled(client)
        }
        self.readyClients.append(client.id)
    }

    func setWishes(of server: ServerConnection, to wanted: Wishes.Combination) {
        self.wishes.retain(wanted)
        self.wishes.release(server.wishes)
        server.wishes = wanted
    }

    func setWishes(of client: ClientConnection, to wanted: Wishes.Combination) {
        guard client.wishes != wanted else { return }
        self.wishes.retain(wanted)
        self.wishes.release(client.wishes)
        client.wishes = wanted
    }

    /// What a client has set cannot be set here. Its statement is not run: without its role it
    /// could do what it may not.
    private func refuse(
        _ client: ClientConnection,
        _ server: ServerConnection,
        _ error: ErrorFields
    ) {
        guard client.hasProvenWishes else {
            // Startup parameters: PostgreSQL would not have let it in.
            return self.closeClient(
                client,
                .parametersFailed,
                ErrorFields(.fatal, error.sqlState, error.message, detail: error.detail)
            )
        }
        client.isRefused = true
        client.omits = nil
        client.server = nil
        server.client = nil
        if client.watch.isPinned {
            self.throwAway(client.watch.held, of: server)
            client.watch.unpinned()
            self.endPin(client)
        }
        self.refuse(
            client,
            ErrorFields(
                .error,
                error.sqlState,
                error.message,
                detail: "A setting of this session could not be set on another server "
                    + "connection; the statement was not run.",
                hint: "Set it back by RESET, or connect anew."
            )
        )
        self.giveBack(server)
    }

    /// A client whose settings were refused must not be locked out: a statement that does nothing
    /// but to set some of them back runs without those. No other statement ever does.
    func chooseOmissions(_ client: ClientConnection, _ span: Span<UInt8>, _ frame: Frame) {
        client.omits = nil
        guard frame.kind == FrontendKind.query.rawValue, frame.isComplete,
            frame.length <= StatementScan.lengthMax, frame.end > frame.bodyOffset
        else { return }
        let text = span.copy(frame.bodyOffset..<frame.end - 1)
        let suspicion = StatementScan.suspicion(of: text, isWhole: true)
        guard suspicion.onlySets, suspicion.sets.isEmpty, !suspicion.setsUnseen else { return }
        var omits = Set(suspicion.resets)
        if suspicion.resetsAll {
            for setting in self.wishes.settings(of: client.wishes)
            where setting.name != SettingNames.role
                && setting.name != SettingNames.sessionAuthorization
            {
                omits.insert(setting.name)
            }
        }
        client.omits = omits
    }

    // MARK: Cleaning

    /// The query that makes a server as good as new.
    func resetQuery(for server: ServerConnection) -> String {
        server.needsDiscard ? "DISCARD ALL" : self.settings.global.serverResetQuery
    }

    /// The query that `resetQuery(for:)` has said has been run.
    func wasReset(_ server: ServerConnection) {
        guard server.needsDiscard || server.wishes != .none else { return }
        let query = self.resetQuery(for: server).lowercased()
        server.needsDiscard = false
        if query.split(whereSeparator: \.isWhitespace).joined(separator: " ")
            .contains("discard all")
        {
            self.wishes.release(server.wishes)
            server.wishes = .none
        } else if server.wishes != .none {
            // An operator's own query may have set anything back, or not.
            self.needDiscard(server)
        }
    }

    func needDiscard(_ server: ServerConnection) {
        server.needsDiscard = true
        server.session.needsReset = true
    }

    /// Sets back what would end a server that waits in its pool; false when there is nothing like
    /// that.
    func undo(_ server: ServerConnection) -> Bool {
        guard self.wishes.endsIdleServers(server.wishes) else { return false }
        let rest = self.wishes.settings(of: server.wishes).filter {
            $0.name != SettingNames.idleSessionTimeout
        }
        let wanted = self.wishes.hold(rest)
        guard let statements = self.wishes.statements(from: server.wishes, to: wanted) else {
            preconditionFailure("one setting less is no difference")
        }
        server.applied = wanted
        server.deadline = self.loop.now + Self.recoveryTimeout
        self.ask(server, statements, for: .undo)
        return true
    }

    func undone(_ server: ServerConnection, _ error: ErrorFields?) {
        let wanted = server.applied
        server.applied = .none
        if let error {
            self.logger.warning("\(server.prefix)settings not set back: \(error.message)")
            self.needDiscard(server)
        } else {
            self.setWishes(of: server, to: wanted)
        }
        self.wishes.release(wanted)
    }
}
