import Logging
import Pooling
import Reactor
import Settings
import Wire

/// What cannot go with a client to another server keeps the server with the client, or is refused,
/// or thrown away: `session_state`.
extension Worker {
    // MARK: Before it is there

    /// Why a statement is not run, which is clearly for what would tie its client to the server;
    /// nil when it is. A client that is let keeps a place among those that may be tied.
    func refusal(of suspicion: Suspicion, _ client: ClientConnection) -> ErrorFields? {
        let kinds = suspicion.certain
        guard !kinds.isEmpty, let pool = client.pool else { return nil }
        switch client.policy.sessionState {
        case .ignore, .reset:
            return nil
        case .reject:
            pool.pins.add(kinds, to: \.refused)
            return ErrorFields(
                .error,
                .featureNotSupported,
                "session state is not allowed in \(Self.name(client.session.mode)) pooling",
                detail: "The statement is for: \(kinds.text). session_state is reject.",
                hint: "Use session pooling, or set session_state to pin."
            )
        case .pin:
            if self.startPin(client) { return nil }
            pool.pins.add(kinds, to: \.refused)
            let pinned = self.withShared { self.pools.shared.pools[pool.id.index].pinned }
            return ErrorFields(
                .error,
                .configurationLimitExceeded,
                "too many clients keep their server connections (max_pinned)",
                detail: "The statement is for: \(kinds.text). Pool "
                    + "\(pool.database.name)/\(pool.user.name): \(pinned) server connections are "
                    + "kept by their clients.",
                hint: "See SHOW PINS. Raise max_pinned or pool_size, set pin_timeout, or use "
                    + "session pooling."
            )
        }
    }

    private static func name(_ mode: Pooling.PoolMode) -> String {
        switch mode {
        case .session: "session"
        case .transaction: "transaction"
        case .statement: "statement"
        }
    }

    /// Takes a place among those that keep their servers; false when there is none.
    private func startPin(_ client: ClientConnection) -> Bool {
        if client.hasPin { return true }
        guard let pool = client.pool else { return false }
        client.hasPin = self.withShared { self.pools.pinStarted(pool.id) }
        return client.hasPin
    }

    /// A client keeps its server no more.
    func endPin(_ client: ClientConnection) {
        client.pinnedSince = 0
        guard client.hasPin, let pool = client.pool else { return }
        client.hasPin = false
        self.withShared { self.pools.pinEnded(pool.id) }
    }

    // MARK: When it is known

    /// What a client has left behind is known: it keeps its server for it, or gives it back.
    func stateKnown(_ client: ClientConnection, _ server: ServerConnection) {
        guard client.watch.isPinned else {
            self.endPin(client)
            return self.release(client, server)
        }
        let held = client.watch.held
        let rule = client.policy.sessionState
        if rule == .ignore, !held.contains(.unknown) {
            client.watch.unpinned()
            return self.release(client, server)
        }
        let mayPin = rule == .pin
        guard mayPin, self.startPin(client) else {
            return self.reset(client, server, isTold: rule != .reset)
        }
        guard client.pinnedSince == 0 else { return }
        client.pinnedSince = Self.wallClock()
        server.pool.pins.add(held, to: \.started)
    }

    /// What no text has shown is there, and may not be: it is thrown away.
    private func reset(_ client: ClientConnection, _ server: ServerConnection, isTold: Bool) {
        let held = client.watch.held
        server.pool.pins.add(held, to: \.reset)
        self.throwAway(held, of: server)
        client.watch.unpinned()
        self.endPin(client)
        if isTold {
            self.writer.removeAll()
            self.writer.notice(
                ErrorFields(
                    .warning,
                    .warning,
                    "session state was thrown away: \(held.text)",
                    detail: client.policy.sessionState == .reject
                        ? "session_state is reject."
                        : "As many clients as may keep a server connection do so (max_pinned).",
                    hint: "Settings are kept; see SHOW PINS."
                )
            )
            self.send(self.writer.bytes, to: client.socket)
        }
        self.release(client, server)
    }

    /// Ends a client that has kept a server for too long without using it.
    func checkPin(_ client: ClientConnection, idle: Nanoseconds) {
        let limit = client.policy.pinTimeout
        guard limit > 0, idle >= limit, client.pinnedSince != 0, client.watch.isPinned else {
            return
        }
        client.pool?.pins.add(client.watch.held, to: \.timedOut)
        let fields = ErrorFields(
            .fatal,
            CloseReason.pinTimeout.sqlState,
            CloseReason.pinTimeout.text,
            detail: "The client has been idle, and kept its server connection for: "
                + "\(client.watch.held.text).",
            hint: "Raise pin_timeout, or use session pooling."
        )
        self.closeClient(client, .pinTimeout, fields)
    }

    // MARK: The console

    func describePins(_ client: ClientConnection, in row: inout Snapshot.Connection) {
        guard client.pinnedSince != 0 else { return }
        row.pinned = client.watch.held.text
        row.pinnedSince = client.pinnedSince
    }

    func pinRows() -> [Snapshot.Pin] {
        var rows: [Snapshot.Pin] = []
        for pool in self.poolEntries {
            for (kind, word) in SessionKinds.all {
                var row = Snapshot.Pin(
                    database: pool.database.name,
                    user: pool.user.name,
                    reason: word
                )
                row.counts = pool.pins.counts(of: kind)
                row.current =
                    self.clients.all.count {
                        $0.pool === pool && $0.pinnedSince != 0 && $0.watch.held.contains(kind)
                    }
                if !row.isEmpty { rows.append(row) }
            }
        }
        return rows
    }
}
