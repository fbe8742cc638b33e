import Pooling
import TestSupport
import Testing
import Wire

/// Which batches can be sent again, and from where.
struct BatchRecordTests {
    /// Sends messages, a word each: `parse`, `bind`, `other` for a Bind that is to no shared
    /// statement, `unnamed` for a Describe of the unnamed one, and the names of the other requests.
    /// Each is the ledger's next change.
    private func record(
        _ words: String,
        isFirst: Bool = true,
        in record: BatchRecord = BatchRecord()
    ) -> BatchRecord {
        var record = record
        for (place, word) in words.split(separator: " ").enumerated() {
            let message = RawMessage("B", "\(place)")
            let bytes = message.bytes
            let frame = Frame(kind: 0x42, offset: 0, length: bytes.count, available: bytes.count)
            let request: ReplyLedger.Request =
                switch word {
                case "parse": .parse
                case "bind", "other": .bind
                case "describe", "unnamed": .describeStatement
                case "portal": .describePortal
                case "execute": .execute
                case "close": .close
                case "query": .query
                default: .sync
                }
            record.sent(
                request,
                bytes.span,
                frame,
                isShared: word == "bind" || word == "describe",
                isFirst: isFirst && place == 0,
                change: place + 1
            )
        }
        return record
    }

    /// The places of the messages that would be sent again.
    private func again(_ words: String, after ended: Int = 0) -> String {
        var record = self.record(words)
        guard record.canRepeat else { return "never" }
        var bytes = Array(record.repeated(after: ended))
        return RawMessage.take(from: &bytes).map(\.text).joined(separator: " ")
    }

    @Test func `a batch is sent again from the first use of a shared statement on`() {
        #expect(self.again("bind execute sync") == "0 1 2")
        #expect(self.again("bind portal execute sync") == "0 1 2 3")
        #expect(self.again("parse close bind execute sync") == "2 3 4")
    }

    @Test func `a Describe of the server's unnamed statement would only fail once more`() {
        #expect(self.again("describe describe bind sync", after: 1) == "1 2 3")
        #expect(self.again("describe unnamed bind sync", after: 1) == "never")
    }

    @Test func `what comes behind the first Bind has not been answered when that fails`() {
        // sqlx closes the portal, pgjdbc puts several statements into one batch.
        #expect(self.again("bind execute close sync") == "0 1 2 3")
        #expect(self.again("bind execute parse describe bind execute sync") == "0 1 2 3 4 5 6")
    }

    @Test func `a batch is sent again once, unless the next one is another client's`() {
        var record = self.record("bind execute sync")
        _ = record.repeated(after: 0)
        #expect(!self.record("bind execute sync", in: record).canRepeat)
        record.clientGone()
        #expect(self.record("bind execute sync", in: record).canRepeat)
    }

    @Test func `a batch behind which the next one has begun is not sent again`() {
        var whole = self.record("bind execute sync")
        whole.sentAhead()
        #expect(!whole.canRepeat)
        // In front of a message that waits in the same batch it is sent for that one.
        var open = self.record("bind execute")
        open.sentAhead()
        #expect(open.canRepeat)
    }

    @Test func `what has been answered is not sent again`() {
        #expect(self.again("describe describe bind execute sync", after: 1) == "1 2 3 4")
        #expect(self.again("describe parse describe sync", after: 2) == "2 3")
    }

    @Test func `what was bound, run or begun elsewhere is not sent again`() {
        #expect(self.again("other execute sync") == "never")
        #expect(self.again("execute bind sync") == "never")
        #expect(self.again("bind execute query") == "never")
        #expect(self.again("bind execute sync bind") == "never")
        #expect(self.again("describe execute sync") == "never")
        #expect(!self.record("bind execute sync", isFirst: false).canRepeat)
        var record = self.record("bind execute sync")
        record.end()
        #expect(!record.canRepeat)
    }

    @Test func `a batch is sent again once`() {
        var record = self.record("bind execute sync")
        _ = record.repeated(after: 0)
        #expect(!record.canRepeat)
        record.batchEnded()
        #expect(!record.canRepeat)
    }
}
