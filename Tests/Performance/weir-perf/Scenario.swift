import Reactor

/// What can be measured. The raw values stand in the files of limits.
enum Scenario: String, CaseIterable {
    /// `FrameReader.next` over messages of a result, per message.
    case framingMessage = "framing.message"
    /// `FrameReader.endOfRun`, per row.
    case framingRow = "framing.row"
    /// Sessions, ledger and pool for a simple query, per transaction.
    case sessionSimple = "session.simple"
    /// Sessions, ledger and pool for Parse, Bind, Describe, Execute and Sync, per transaction.
    case sessionExtended = "session.extended"
    /// A worker between one client and one server: a simple query that returns a row,
    /// per transaction. Two turns of the loop each, so the whole cost of a turn is in it.
    case relaySimple = "relay.simple"
    /// As `relaySimple` in a process of two workers, of which the other one sleeps.
    case relayShared = "relay.shared"
    /// As `relaySimple` with an extended query.
    case relayExtended = "relay.extended"
    /// As `relaySimple` with a named statement that has been prepared, in transaction pooling.
    case relayPrepared = "relay.prepared"
    /// As `relaySimple`, the queries coming in batches of 32: what a message costs beside the turn.
    case relayPipelined = "relay.pipelined"
    /// As `relaySimple` with a result of 100 rows.
    case relayRows = "relay.rows"

    /// Runs the scenario after a warm-up; `port` and `engine` are for those with a worker.
    func measure(count: Int, port: UInt16, engine: EventEngine) -> Measurement {
        let relay = RelayRun(port: port, engine: engine)
        var framing = FramingRun()
        return switch self {
        case .framingMessage: framing.measureMessages(count: count)
        case .framingRow: framing.measureRows(count: count)
        case .sessionSimple: SessionRun.measure(.simple, count: count)
        case .sessionExtended: SessionRun.measure(.extended, count: count)
        case .relaySimple: relay.measure(.simple, count: count)
        case .relayShared:
            RelayRun(port: port, engine: engine, workers: 2).measure(.simple, count: count)
        case .relayExtended: relay.measure(.extended, count: count)
        case .relayPrepared: relay.measure(.prepared, count: count)
        case .relayPipelined: relay.measure(.simple, batch: 32, count: count)
        case .relayRows: relay.measure(.rows, count: count)
        }
    }
}
