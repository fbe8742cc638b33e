import Pooling
import Reactor
import Telemetry
import Wire

/// Requests that are not run: the server is made to fail in their place, so that order, skipping up
/// to Sync and the end of the transaction are its own doing.
extension Worker {
    /// Has the server fail in a client's extended batch, so that it skips the rest of the batch and
    /// ends the transaction, and tells the client why in Weir's words.
    ///
    /// - Parameter body: what follows the name in the Parse that is to fail.
    func sendRefusal(
        _ fields: ErrorFields,
        to server: ServerConnection,
        body: [UInt8]? = nil
    ) {
        server.refusals.append(fields)
        self.writer.removeAll()
        self.writer.closeStatement(name: Self.refusedName)
        // In a failed transaction this one gets PostgreSQL's own error.
        self.writer.parse(name: Self.refusedName, body: body ?? Self.refusedBody)
        self.writer.parse(name: Self.refusedName, body: body ?? Self.refusedBody)
        self.send(self.writer.bytes, to: server.socket)
        server.session.sent(.close, for: .quiet)
        server.session.sent(.parse, for: .quiet)
        server.session.sent(.parse, for: .refusal)
    }

    /// Does not run what a client has sent, and has it fail in its place.
    ///
    /// - Returns: where the bytes that are not sent yet begin.
    func refuse(
        _ fields: ErrorFields,
        _ request: ReplyLedger.Request,
        _ client: ClientConnection,
        _ server: ServerConnection,
        _ span: Span<UInt8>,
        _ frame: Frame
    ) -> Int {
        // The rest of it, when that comes, would be taken for messages of their own.
        client.isDiscarding = !frame.isComplete
        server.record.end()
        guard request == .query || request == .functionCall else {
            self.sendRefusal(fields, to: server)
            return frame.end
        }
        self.noteRequest(client, server, request, span, frame)
        if request == .query, !client.statements.unnamed.isAbsent {
            server.exchange.querySent(&server.session, &client.statements)
        }
        server.refusals.append(fields)
        self.writer.removeAll()
        self.writer.query("refused by Weir")
        self.send(self.writer.bytes, to: server.socket)
        server.session.sent(.query, for: .refusal)
        return frame.end
    }

    /// A request has failed that was sent to fail.
    func tellRefusal(_ server: ServerConnection) {
        if let error = server.rewrittenError {
            server.rewrittenError = nil
            if let client = server.client { self.send(error, to: client.socket) }
            return
        }
        guard !server.refusals.isEmpty else { return }
        let fields = server.refusals.removeFirst()
        guard let client = server.client, client.session.state == .linked else { return }
        client.pool?.counters.poolerErrorCount += 1
        self.writer.removeAll()
        self.writer.error(fields)
        self.send(self.writer.bytes, to: client.socket)
    }

    static func tooLong(_ frame: Frame) -> ErrorFields {
        ErrorFields(
            .error,
            .programLimitExceeded,
            "prepared statement is too long",
            detail: "The message has \(frame.length) bytes; \(Self.parseMax) can be shared.",
            hint: "Use the unnamed statement, or session pooling."
        )
    }
}
