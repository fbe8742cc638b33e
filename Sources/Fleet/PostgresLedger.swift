internal import Locking
public import Pooling

/// Gate and board in the PostgreSQL server itself, over one control connection.
///
/// ## Overview
/// The gate is an advisory lock of the control session, in `ledger_database`; the board is the
/// sessions' `application_name` (`BoardName`), read with the list of all sessions in one query. It
/// needs nothing but the right to connect, and works on a standby; on a primary NOTIFY wakes
/// others. Every query begins with a comment that says who asks: `pg_stat_activity.query` shows it
/// to the same role, and so version and address need no room in the name.
///
/// ## Function
/// One thread does everything, in the order in which it was asked. Waiting for the gate is done in
/// short pieces, so that the board can be read and written meanwhile.
///
/// ## Implementation
/// What fails ends the connection, and the member decides when there is another one. Deaths are
/// counted by PostgreSQL (`pg_stat_database`), from version 15 on without delay; before that nobody
/// can tell, and each pass through the gate settles.
@safe
public final class PostgresLedger: Ledger {
    private struct Inbox {
        var actions: [FleetAction] = []
        var refreshes: [@Sendable () -> Void] = []
        var isStopping = false
    }

    private let inbox = Locked(Inbox())
    private let wake = Wake()
    private let hasEnded = Wake()
    private let shown = Locked<(rows: [FleetRow], serverVersion: Int?)>(([], nil))

    /// Starts the engine's thread; it connects when its member asks for that.
    ///
    /// - Parameters:
    ///   - controlReserve: the most control connections of the fleet.
    ///   - silence: who has not been heard of for so long has its connections ended; nil where
    ///     nobody has.
    public init(
        _ context: LedgerContext,
        at address: @escaping @Sendable () -> ControlAddress?,
        controlReserve: Int,
        silence: Nanoseconds?
    ) {
        let isStarted = FleetThread.start("fleet-ledger") {
            var session = ControlSession(
                context,
                at: address,
                controlReserve: controlReserve,
                silence: silence
            )
            self.serve(&session)
        }
        precondition(isStarted, "no thread is left for the fleet")
    }

    public func perform(_ action: FleetAction) {
        self.inbox.withLock { $0.actions.append(action) }
        self.wake.signal()
    }

    public func refresh(then done: @escaping @Sendable () -> Void) {
        self.inbox.withLock { $0.refreshes.append(done) }
        self.wake.signal()
    }

    public var rows: [FleetRow] { self.shown.withLock { $0.rows } }

    public var serverVersion: Int? { self.shown.withLock { $0.serverVersion } }

    public func stop() {
        self.inbox.withLock { $0.isStopping = true }
        self.wake.signal()
        _ = self.hasEnded.wait(until: BootClock.now + Self.farewell)
    }

    /// How long the end of the process waits for an orderly leave.
    private static let farewell: Nanoseconds = 1_000_000_000

    // MARK: The thread

    private func serve(_ session: inout ControlSession) {
        while true {
            let inbox = self.inbox.withLock { inbox in
                let taken = inbox
                inbox.actions.removeAll()
                inbox.refreshes.removeAll()
                return taken
            }
            for action in inbox.actions { session.perform(action) }
            if !inbox.refreshes.isEmpty { session.refresh() }
            let (rows, version) = (session.rows, session.serverVersion)
            self.shown.withLock { $0 = (rows, version) }
            for done in inbox.refreshes { done() }
            if inbox.isStopping { break }
            guard inbox.actions.isEmpty else { continue }
            session.tryGate()
            session.beat()
            // What came with an answer does not wake anybody.
            session.heard()
            if self.wake.wait(orFor: session.descriptor, until: session.nextDeadline) {
                session.heard()
            }
        }
        session.leave()
        self.hasEnded.signal()
    }
}
