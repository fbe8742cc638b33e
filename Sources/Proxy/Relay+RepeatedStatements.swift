import Pooling
import Wire

/// Unnamed statements that keep coming back are prepared once for all clients:
/// `prepare_anonymous`.
extension Worker {
    /// The shared statement for an unnamed Parse whose text has come often enough; negative where
    /// it has not, or where there can be none.
    ///
    /// - Parameter isFirst: it begins a batch, outside a transaction.
    func repeatedStatement(
        _ client: ClientConnection,
        _ server: ServerConnection,
        _ span: Span<UInt8>,
        _ frame: Frame,
        isFirst: Bool
    ) -> Int {
        guard frame.isComplete, frame.available > Frame.headerLength else { return -1 }
        let body = frame.bodyOffset + 1..<frame.end
        self.refreshParsing(client)
        guard
            !client.watch.parsesAlone,
            self.statements.comesBack(
                span,
                in: body,
                pool: server.pool.id,
                parsing: client.statements.parsing,
                after: client.policy.prepareAnonymous
            )
        else { return -1 }
        let statement = server.exchange.repeatedStatement(
            span,
            body: body,
            pool: server.pool.id,
            canRepeat: server.record.couldRepeat(frame, isFirst: isFirst),
            server.session,
            client.statements,
            &self.statements
        )
        return statement ?? -1
    }

    /// Has a shared statement serve an unnamed Parse.
    func bookRepeated(
        _ statement: Int,
        _ client: ClientConnection,
        _ server: ServerConnection,
        _ span: Span<UInt8>,
        _ frame: Frame
    ) -> StatementExchange.Outcome {
        server.exchange.parseUnnamed(
            span,
            body: frame.bodyOffset + 1..<frame.end,
            by: statement,
            as: self.nextUnnamed(),
            &server.session,
            &client.statements,
            &self.statements,
            &self.writer
        )
    }
}
