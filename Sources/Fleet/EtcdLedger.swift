internal import Dispatch
internal import FoundationEssentials
internal import Locking
public import Pooling

/// Gate and board in etcd, as keys under a lease.
///
/// ## Overview
/// The member's key on the board, its place in the queue for the gate, and the process IDs of its
/// sessions live as long as its lease. A member that dies or is cut off disappears when its lease
/// ends, and not before: what it has sent by then is in PostgreSQL's list. The oldest place in the
/// queue has the gate.
///
/// ## Function
/// What the member wants goes into an inbox and is done in that order, by one task. Three others
/// run beside it: one renews the lease, one listens to who wakes, and one waits for the gate.
///
/// ## Implementation
/// A request that may or may not have been carried out, and may be carried out late, would leave
/// keys that nobody knows of. So a failed write ends the session, and the next has another lease:
/// whatever is late hangs on a lease that ends. For the same reason a place in the queue is deleted
/// only if it was created when the member thinks. A lease is ended early only if its member was not
/// in the gate; otherwise startup messages may still be on their way.
public actor EtcdLedger: Ledger {
    /// How long PostgreSQL's list may take.
    static let listPatience: Nanoseconds = 1_000_000_000

    let client: EtcdClient
    /// Where everything is, since the server has said who it is.
    var keys: EtcdKeys
    let context: LedgerContext
    let sessions: any SessionSource
    /// How long the lease lives after each renewal while the member has or wants anything.
    let seconds: Int64
    /// How long a member that has and wants nothing goes on before it rests, in nanoseconds.
    let restless: Nanoseconds
    /// Whether members say which sessions are theirs.
    let tellsSessions: Bool
    nonisolated let inbox: AsyncStream<EtcdWish>.Continuation
    /// Those who wait for such a reading.
    nonisolated private let readers = Locked<[@Sendable () -> Void]>([])
    nonisolated private let loop = Locked<Task<Void, Never>?>(nil)
    nonisolated let seen = Locked<[FleetRow]>([])

    /// The stay in etcd; nil while there is none.
    var session: EtcdSession?
    /// Sessions that no member had at the last count, as the board says.
    var orphans: EtcdOrphans?
    /// Whether the member knows that there is none.
    var isKnownToBeLost = false
    private(set) var isStopping = false
    /// Leases that are of no use any more, and hinder nobody if they end.
    var leftLeases: [Int64] = []

    /// Creates an engine that is not connected. Call `stop` before it is let go of.
    ///
    /// - Parameters:
    ///   - lease: `FleetLimits.lease`, in nanoseconds; etcd counts in seconds, and this rounds up.
    ///   - restless: how long a member that has and wants nothing goes on before it rests, in
    ///     nanoseconds.
    ///   - place: names the PostgreSQL server before it has said who it is.
    ///   - fence: what becomes of sessions that no member holds.
    ///   - sessions: PostgreSQL's list.
    /// - Throws: where the settings cannot be used.
    public init(
        _ settings: EtcdSettings,
        lease: Nanoseconds,
        restless: Nanoseconds = 5_000_000_000,
        place: String,
        fence: FleetLimits.Fence,
        context: LedgerContext,
        sessions: any SessionSource
    ) throws(EtcdError) {
        self.client = try EtcdClient(settings)
        self.keys = EtcdKeys(fleet: context.identity.fleet, place: place)
        self.context = context
        self.sessions = sessions
        self.seconds = max(1, (lease + 999_999_999) / 1_000_000_000)
        self.restless = restless
        self.tellsSessions = fence != .wait
        let (wishes, inbox) = AsyncStream.makeStream(of: EtcdWish.self)
        self.inbox = inbox
        let task = EtcdLoop.shared.start {
            for await wish in wishes {
                switch wish {
                case .action(let action): await self.carryOut(action)
                case .reading: await self.refresh()
                case .rest(let lease): await self.rest(lease)
                }
            }
        }
        self.loop.withLock { $0 = task }
    }

    // MARK: Ledger

    nonisolated public func perform(_ action: FleetAction) { self.inbox.yield(.action(action)) }

    nonisolated public var rows: [FleetRow] { self.seen.withLock { $0 } }

    nonisolated public func refresh(then done: @escaping @Sendable () -> Void) {
        self.readers.withLock { $0.append(done) }
        if case .terminated = self.inbox.yield(.reading) { self.answerReaders() }
    }

    nonisolated private func answerReaders() {
        for done in self.takeReaders() { done() }
    }

    nonisolated private func takeReaders() -> [@Sendable () -> Void] {
        self.readers.withLock { readers in
            defer { readers = [] }
            return readers
        }
    }

    nonisolated public var serverVersion: Int? { self.sessions.serverVersion }

    /// Ends the lease, and with it everything that hangs on it; from then on nothing is done or
    /// reported. Waits for that, for at most a second.
    ///
    /// Who is in the gate leaves the board at once but the gate only when its lease ends by itself:
    /// what it has sent to PostgreSQL may not be in the list yet.
    nonisolated public func stop() {
        self.inbox.finish()
        guard let task = self.loop.withLock({ $0.take() }) else { return }
        let isDone = DispatchSemaphore(value: 0)
        // First, or what is cut short would take its session away.
        _ = EtcdLoop.shared.start {
            await self.leave()
            isDone.signal()
        }
        task.cancel()
        self.answerReaders()
        _ = isDone.wait(timeout: .now() + .seconds(1))
    }

    private func leave() async {
        self.isStopping = true
        let session = self.session
        session?.end()
        self.session = nil
        let closing = EtcdLoop.shared.start {
            // Connections are closed in time also where etcd does not answer.
            await EtcdLoop.shared.sleep(800_000_000)
            await self.client.shutDown()
        }
        if let session { try? await self.leave(session) }
        try? await self.endLeftLeases()
        closing.cancel()
        await closing.value
    }

    private func leave(_ session: EtcdSession) async throws(EtcdError) {
        guard session.stay?.isHeld == true else {
            return try await self.sayGoodbye(session.lease)
        }
        let member = self.context.identity.member
        let steps = [self.keys.member(member), self.keys.sessions(of: member)]
        _ = try await self.client.commit(
            EtcdTransaction(steps.map { .delete($0) }),
            isRepeatable: true
        )
    }

    // MARK: Actions

    private func carryOut(_ action: FleetAction) async {
        if case .reconnect = action { return await self.connect() }
        guard var lease = self.session?.lease else {
            // What was wanted before the member heard that the session is lost.
            if !self.isKnownToBeLost { self.tell(.lost("etcd: not connected")) }
            self.isKnownToBeLost = true
            return
        }
        do throws(EtcdError) {
            try await self.wakeUp(for: action)
            // Were it lost meanwhile, the member has been told.
            guard let present = self.session?.lease else { return }
            lease = present
            switch action {
            case .publish(let entry, let wakes): try await self.publish(entry, wakes: wakes, lease)
            case .readBoard: try await self.readBoard(lease)
            case .look: self.tell(.looked(deaths: nil))
            case .enterGate(let pass): try await self.enterGate(pass, lease)
            case .count: try await self.count(lease)
            case .leaveGate: try await self.leaveGate(lease)
            case .terminateOrphans: try await self.terminateOrphans()
            case .goodbye: try await self.takeLeave(lease)
            case .reconnect, .permits, .end, .breakGate: break
            }
        } catch {
            self.lose(lease, error.description)
        }
    }

    /// Reads the board for people.
    private func refresh() async {
        // Who asked meanwhile has been answered by the reading before: one reading for many.
        let readers = self.takeReaders()
        guard !readers.isEmpty else { return }
        defer { for done in readers { done() } }
        if let lease = self.session?.lease {
            do throws(EtcdError) {
                _ = try await self.read()
            } catch {
                self.lose(lease, error.description)
            }
        }
    }

    /// Tells the member something, unless it is done with.
    func tell(_ event: LedgerEvent) {
        guard !self.isStopping else { return }
        self.context.report(event)
    }
}
