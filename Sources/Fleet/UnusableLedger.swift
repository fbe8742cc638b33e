public import Pooling

/// Stands for an engine that cannot be made: its member opens nothing, and people are told why.
public final class UnusableLedger: Ledger {
    private let reason: String
    private let context: LedgerContext

    /// Creates one.
    ///
    /// - Parameter reason: for people.
    public init(_ reason: String, _ context: LedgerContext) {
        self.reason = reason
        self.context = context
    }

    public func perform(_ action: FleetAction) {
        guard action == .reconnect else { return }
        // Not before the member has let go of its lock.
        let (reason, context) = (self.reason, self.context)
        _ = FleetThread.start("fleet-ledger") { context.report(.lost(reason)) }
    }

    public var rows: [FleetRow] { [] }

    public func stop() {}
}
