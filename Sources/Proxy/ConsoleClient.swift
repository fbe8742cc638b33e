import Logging
import Pooling
import Reactor
import Settings
import Wire

/// What a console client may do.
final class ConsoleSession {
    let access: ConsoleAccess

    init(access: ConsoleAccess) { self.access = access }
}

/// Clients of the console's virtual database.
extension Worker {
    /// The rights of a user on the console; nil for none.
    func consoleAccess(_ user: String) -> ConsoleAccess? {
        let global = self.settings.global
        if global.adminUsers.contains(user) { return .admin }
        if global.statsUsers.contains(user) || global.authType == .any { return .statistics }
        return nil
    }

    /// Whether this is the process's own user, who needs no password: over the Unix socket, as
    /// `pgbouncer` or `weir`.
    func isOwner(_ client: ClientConnection) -> Bool {
        guard client.isUnix, Self.isConsole(client.userName),
            let peer = self.loop.peerCredentials(client.socket)
        else { return false }
        return peer.uid == Self.effectiveUser
    }

    func openConsole(_ client: ClientConnection, _ access: ConsoleAccess) {
        client.phase = .console
        client.login = nil
        client.console = ConsoleSession(access: access)
        self.consoleClients += 1
        let key = self.newKey(for: client)
        self.writer.removeAll()
        self.writer.authentication(code: 0)
        for parameter in self.environment.console.loginParameters {
            self.writer.parameterStatus(parameter.name, parameter.value)
        }
        self.writer.backendKeyData(key)
        self.writer.readyForQuery(.idle)
        self.send(self.writer.bytes, to: client.socket)
    }

    func consoleReceived(_ client: ClientConnection, completion index: Int) {
        unsafe client.stash.append(self.loop.bytes(index))
        self.readConsole(client)
    }

    func readConsole(_ client: ClientConnection) {
        defer { self.resumeReading(client) }
        while client.phase == .console, !self.awaitsControl(client), !self.awaitsReport(client) {
            let span = unsafe Span<UInt8>(_unsafeBytes: client.stash.bytes)
            let frame: Frame
            do throws(FramingError) {
                guard let next = try client.reader.next(in: span, at: 0), next.isComplete else {
                    return
                }
                frame = next
            } catch {
                return self.closeClient(client, .protocolViolation, Self.violation(error))
            }
            let body = span.copy(frame.bodyOffset..<frame.end)
            client.stash.removeFirst(frame.length)
            switch FrontendKind(rawValue: frame.kind) {
            case .query:
                client.requestTime = Self.wallClock()
                let end = body.firstIndex(of: 0) ?? body.count
                self.run(String(decoding: body[..<end], as: UTF8.self), for: client)
            case .terminate:
                return self.closeClient(client, .clientTerminated)
            case .flush, .sync:
                self.writer.removeAll()
                self.writer.readyForQuery(.idle)
                if frame.kind == FrontendKind.sync.rawValue {
                    self.send(self.writer.bytes, to: client.socket)
                }
            default:
                self.send(self.environment.console.refuseExtendedProtocol(), to: client.socket)
                return self.closeClient(client, .clientTerminated)
            }
        }
    }

    private func run(_ query: String, for client: ClientConnection) {
        guard let access = client.console?.access else { return }
        guard let parts = self.environment.console.parts(neededFor: query, access: access) else {
            return self.answer(query, access, for: client, self.snapshot(.process))
        }
        self.gather(parts, for: .console(client.id, query: query, access))
    }

    /// Answers a query of the console from a copy of the process's state, if it needs one.
    func answer(
        _ query: String,
        _ access: ConsoleAccess,
        for client: ClientConnection,
        _ snapshot: @autoclosure () -> Snapshot
    ) {
        switch self.environment.console.answer(query, access: access, snapshot: snapshot) {
        case .reply(let bytes): self.send(bytes, to: client.socket)
        case .control(let command): self.control(command, for: client)
        }
    }

    // MARK: The way here

    /// The first worker keeps the clients of the console; others send them there.
    func sendToConsole(_ client: ClientConnection, _ startup: StartupParameters) {
        client.phase = .leaving
        client.login?.startup = startup
        self.loop.release(client.socket)
    }

    /// A client has sent something although it cannot expect an answer yet: that goes along.
    func departureDisturbed(_ client: ClientConnection, completion index: Int) {
        unsafe client.stash.append(self.loop.bytes(index))
        self.loop.release(client.socket)
    }

    /// A client's socket belongs to no loop now.
    func clientReleased(_ client: ClientConnection, descriptor: Int32) {
        guard client.phase == .leaving, let startup = client.login?.startup else {
            preconditionFailure("released in phase \(client.phase)")
        }
        let transfer = ConsoleTransfer(
            descriptor: descriptor,
            number: client.number,
            connectTime: client.connectTime,
            acceptedAt: client.acceptedAt,
            startup: startup,
            rest: unsafe Array(client.stash.bytes)
        )
        self.clients.remove(client.id.index)
        self.process.moved(from: self.index, to: 0)
        self.post(.consoleClient(transfer), to: 0)
    }

    /// A client of the console has come from another worker.
    func consoleArrived(_ transfer: ConsoleTransfer) {
        let socket = self.adopt(transfer.descriptor, Role.nobody.token(0))
        if socket == .none { return self.process.left(self.index) }
        let client = self.enter(socket, transfer)
        unsafe transfer.rest.withUnsafeBytes { unsafe client.stash.append($0) }
        self.begin(client, transfer.startup)
        self.readLogin(client)
        self.resumeReading(client)
    }
}
