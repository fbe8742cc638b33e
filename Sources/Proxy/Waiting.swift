import Logging
import Pooling
import Reactor
import Settings
import Telemetry
import Wire

/// Waits that end without a server.
extension Worker {
    /// Ends a client's wait with an error in place of the answer. The client stays connected.
    ///
    /// All that had arrived by now fails with it: else a pipelined BEGIN would fail and the UPDATE
    /// behind it be committed.
    func refuseWait(_ client: ClientConnection, _ fields: ErrorFields) {
        guard client.session.state == .waiting else { return }
        self.refuse(client, fields)
    }

    /// The same for a client that has just given back a server that it has not used.
    func refuse(_ client: ClientConnection, _ fields: ErrorFields) {
        guard client.phase == .ready else { return }
        var fields = fields
        fields.severity = .error
        if self.settings.global.logPoolerErrors {
            self.logger.warning("\(client.prefix)pooler error: \(fields.message)")
        }
        client.pool?.counters.poolerErrorCount += 1
        client.ticket = .none
        client.isCancelPending = false
        client.session.unlinked()
        client.requestedAt = 0
        client.idleSince = self.loop.now
        let window =
            client.stash.count + self.undispatchedBytes(of: client.socket)
            + self.loop.unreadBytes(client.socket)
        client.refusal = ClientConnection.Refusal(fields: fields, bytes: window)
        self.readyClients.append(client.id)
    }

    /// Whether something of a client's has come that has not been looked at, or is kept.
    func hasWaitingRequests(_ client: ClientConnection) -> Bool {
        !client.stash.isEmpty || self.undispatchedBytes(of: client.socket) > 0
            || self.loop.unreadBytes(client.socket) > 0
    }

    /// Bytes of a client that have been received in this turn and come behind what is looked at
    /// now.
    private func undispatchedBytes(of socket: SocketID) -> Int {
        var count = 0
        for index in self.undispatched {
            let completion = self.loop.completion(index)
            if completion.socket == socket, completion.kind == .received {
                count += completion.count
            }
        }
        return count
    }

    /// Answers requests that came before an error with that error; returns how many bytes are done
    /// with.
    func refuseRequests(_ client: ClientConnection, _ chunk: Chunk) -> Int {
        guard let refusal = client.refusal else { return 0 }
        let span = unsafe Span<UInt8>(_unsafeBytes: chunk.bytes)
        var position = client.reader.resume(available: chunk.count)
        if client.reader.remaining == 0 { client.isDiscarding = false }
        self.writer.removeAll()
        walk: while position < refusal.bytes {
            let frame: Frame
            do throws(FramingError) {
                guard let next = try client.reader.next(in: span, at: position) else { break walk }
                frame = next
            } catch {
                self.closeClient(client, .protocolViolation, Self.violation(error))
                return position
            }
            let isSkipping = client.session.isSkipping
            switch FrontendKind(rawValue: frame.kind) {
            case .terminate:
                self.send(self.writer.bytes, to: client.socket)
                self.closeClient(client, .clientTerminated)
                return frame.end
            case .query, .functionCall:
                guard !isSkipping else { break }
                self.writer.error(refusal.fields)
                self.writer.readyForQuery(.idle)
            case .parse, .bind, .describe, .execute, .close:
                guard !isSkipping else { break }
                self.writer.error(refusal.fields)
                client.session.refused(extended: true)
            case .sync:
                self.writer.readyForQuery(.idle)
                client.session.refused(extended: false)
            case .flush, .copyData, .copyDone, .copyFail:
                break
            case .password, nil:
                self.send(self.writer.bytes, to: client.socket)
                self.closeClient(
                    client,
                    .protocolViolation,
                    Self.violation(FramingError.unknownKind(frame.kind))
                )
                return position
            }
            position = self.discard(client, frame)
        }
        self.send(self.writer.bytes, to: client.socket)
        refusal.bytes -= position
        if refusal.bytes <= 0 {
            client.refusal = nil
            self.readyClients.append(client.id)
        }
        return position
    }

    // MARK: Words

    /// What a client is told whose wait was too long.
    func waitError(
        _ client: ClientConnection,
        _ end: PoolSet.WaitEnd,
        since: Instant
    ) -> ErrorFields {
        guard let pool = client.pool else { preconditionFailure("a waiter without a pool") }
        let waited = Self.seconds(self.loop.now - since)
        switch end {
        case .timeout:
            let full = self.fullCap(above: pool)
            let setting = full?.setting ?? "pool_size"
            let situation = self.situation(of: pool) + (full.map { " " + $0.text } ?? "")
            return ErrorFields(
                .error,
                .tooManyConnections,
                "query_wait_timeout",
                detail: "Waited \(waited) s for a server connection. \(situation)",
                hint: "Raise query_wait_timeout or \(setting), or shorten transactions."
            )
        case .databaseDown:
            let cause = pool.shared.known.lastFailure
            let text = cause?.message ?? "the server cannot be reached"
            return ErrorFields(
                .error,
                cause?.sqlState ?? .connectionFailure,
                "server login has been failing: \(text)",
                detail: (cause?.detail.map { "\($0) " } ?? "") + "Waited \(waited) s.",
                hint: "See database_down_timeout; the server is tried again meanwhile."
            )
        }
    }

    /// How full a pool is, in a sentence for people.
    private func situation(of pool: PoolEntry) -> String {
        let state = self.pools.pools[pool.id.index]
        let size = state.limits.size
        let counts = self.withShared { self.pools.shared.pools[pool.id.index] }
        let active = counts.serving + counts.dedicated
        var oldest = self.oldestTransaction(of: pool) ?? .max
        var waiting = state.waiters.count
        for worker in self.mailboxes.indices where worker != self.index {
            waiting += pool.board.wanting(worker)
            let start = pool.board.transaction(worker)
            if start != 0 { oldest = min(oldest, start) }
        }
        let age =
            oldest == .max
            ? "no transaction is open"
            : "the oldest transaction is \(Self.seconds(self.loop.now - oldest)) s old"
        let limit = size == 0 ? "" : " of \(size)"
        return "Pool \(pool.database.name)/\(pool.user.name): \(active)\(limit) server connections "
            + "are in use, \(waiting) other clients wait, \(age)."
    }

    /// The limit that keeps a pool from growing to its size, in a sentence for people.
    private func fullCap(above pool: PoolEntry) -> (setting: String, text: String)? {
        let database = pool.database
        let size = self.pools.pools[pool.id.index].limits.size
        let full: (setting: String, text: String)? = self.withShared {
            let shared = self.pools.shared
            guard size == 0 || shared.pools[pool.id.index].used < size else { return nil }
            func text(_ name: String, _ cap: Cap) -> String {
                "\(name) has all \(cap.limit) connections that it may have."
            }
            let (ofDatabase, ofUser) = (shared.databases[database.cap], shared.users[pool.user.cap])
            if !ofDatabase.hasRoom {
                return ("max_db_connections", text("Database \(database.name)", ofDatabase))
            }
            if !ofUser.hasRoom {
                return ("max_user_connections", text("User \(pool.user.name)", ofUser))
            }
            if !shared.process.hasRoom {
                return ("max_server_connections", text("The process", shared.process))
            }
            let hosts = database.hosts.map { (name: $0.name, cap: shared.servers[$0.cap]) }
            guard let host = hosts.first, hosts.allSatisfy({ !$0.cap.hasRoom }) else { return nil }
            if host.cap.limit == 0 || host.cap.used < host.cap.limit, let fleet = host.cap.standing
            {
                return ("server_budget", "\(fleet.situation) (server \(host.name)).")
            }
            return ("server_budget", text("Server \(host.name)", host.cap))
        }
        guard full?.setting == "server_budget" else { return full }
        return self.unknownBudget(of: database) ?? full
    }

    /// When the oldest transaction of a pool began here; nil when none is open.
    func oldestTransaction(of pool: PoolEntry) -> Instant? {
        var oldest: Instant?
        for server in self.servers.all
        where server.pool === pool && server.transactionStart != 0 && !server.isDedicated {
            oldest = min(oldest ?? .max, server.transactionStart)
        }
        return oldest
    }

    /// Seconds with one decimal.
    private static func seconds(_ time: Nanoseconds) -> String {
        let tenths = max(0, time) / 100_000_000
        return "\(tenths / 10).\(tenths % 10)"
    }

    static func violation(_ error: FramingError) -> ErrorFields {
        ErrorFields(.fatal, .protocolViolation, error.message)
    }

    static func violation(_ refusal: ClientSession.Refusal) -> ErrorFields {
        switch refusal {
        case .unknownKind(let kind): self.violation(FramingError.unknownKind(kind))
        case .outOfPlace(let kind):
            ErrorFields(
                .fatal,
                .protocolViolation,
                "message type \(kind) is not allowed after login"
            )
        case .simpleQueryDisabled:
            ErrorFields(
                .fatal,
                .protocolViolation,
                "PQexec disallowed",
                hint: "disable_pqexec is set: use the extended query protocol."
            )
        }
    }
}
