import Pooling
import Telemetry
import Wire

extension Worker {
    /// Writes a statement to the slow-query log.
    func logSlow(
        _ unit: StatementLog.Unit,
        _ client: ClientConnection,
        _ server: ServerConnection,
        now: Instant
    ) {
        let total = now - unit.requestedAt
        let applicationName = self.parameters.place(of: "application_name").flatMap {
            self.parameters.values(of: client.parameters)[$0]
        }
        let statement = unit.statement
        let record = SlowQueryRecord(
            time: Timestamp.now,
            totalTime: Self.microseconds(total),
            waitTime: Self.microseconds(unit.sentAt - unit.requestedAt),
            serverTime: Self.microseconds(now - unit.sentAt),
            user: client.userName,
            database: client.databaseName,
            client: client.address,
            applicationName: applicationName ?? "",
            queryProtocol: unit.isExtended ? .extended : .simple,
            commandTag: unit.commandTag,
            rows: unit.rows,
            bytesIn: unit.bytesIn,
            bytesOut: unit.bytesOut,
            sqlState: unit.sqlState?.code,
            statement: Array(statement.text),
            isStatementTruncated: statement.isCut,
            serverProcessID: Int32(bitPattern: server.processID),
            clientID: UInt64(client.number)
        )
        _ = self.environment.slowQueries.record(record)
    }

    private static func microseconds(_ time: Nanoseconds) -> UInt64 {
        UInt64(max(0, time) / 1_000)
    }
}
