public import Pooling

/// The engine behind a fleet member: gate and board of one PostgreSQL server.
///
/// An engine starts without a connection; its member asks for one with `FleetAction.reconnect`.
/// What comes of an action it reports as a `LedgerEvent`, on whichever thread it likes. A member
/// that has not been answered waits, so every action gets its answer, or `LedgerEvent.lost`.
public protocol Ledger: AnyObject, Sendable {
    /// Does what the member wants, in this order and after what it wanted before. Never waits.
    ///
    /// `permits` and `end` are the process's business and do not come here.
    func perform(_ action: FleetAction)

    /// Who is on the board, for people, as it was last read.
    var rows: [FleetRow] { get }

    /// Reads the board for `rows`, and says when that is done or cannot be. Waits for nothing.
    func refresh(then done: @escaping @Sendable () -> Void)

    /// PostgreSQL's version, as 150018 for 15.18; nil as long as it is not known.
    var serverVersion: Int? { get }

    /// Leaves gate and board in an orderly way, as far as that can be done within a second.
    func stop()
}

extension Ledger {
    /// Not known.
    public var serverVersion: Int? { nil }

    /// The board is known as well as it can be.
    public func refresh(then done: @escaping @Sendable () -> Void) { done() }
}
