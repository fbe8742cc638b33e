import Pooling
import TestSupport
import Testing
import Wire

/// COPY in both protocols: the server ignores Sync while it waits for data, which is where pools
/// have lost count.
struct ReplyLedgerCopyTests {
    @Test func `a COPY from the client in a Query`() {
        let ledger = Transcript(ReplyLedger())
        ledger.sent(.query)
        #expect(ledger.forwards(.copyIn))
        #expect(ledger.isCopyingIn && !ledger.isExtended)
        ledger.sent(.copyEnd)
        #expect(!ledger.isCopyingIn && !ledger.isSettled)
        #expect(ledger.forwards(.commandComplete))
        #expect(ledger.received(.readyForQuery) == .forwardEnd)
        #expect(ledger.isSettled && !ledger.isDoubtful)
    }

    @Test func `data and their end may be sent before CopyInResponse is seen`() {
        let ledger = Transcript(ReplyLedger())
        ledger.sentAll(.query, .copyEnd, .query)
        #expect(ledger.forwards(.copyIn))
        #expect(!ledger.isCopyingIn)
        #expect(ledger.forwards(.commandComplete))
        #expect(ledger.received(.readyForQuery) == .forwardEnd)
        #expect(ledger.current == .query)
        #expect(ledger.forwards(.commandComplete))
        #expect(ledger.received(.readyForQuery) == .forwardEnd)
        #expect(ledger.isSettled && !ledger.isDoubtful)
    }

    @Test func `a COPY from the client in an Execute with its Sync behind the data`() {
        let ledger = Transcript(ReplyLedger())
        ledger.sentAll(.parse, .bind, .execute)
        #expect(ledger.forwards(.parseComplete, .bindComplete, .copyIn))
        #expect(ledger.isCopyingIn && ledger.isExtended)
        ledger.sentAll(.copyEnd, .sync)
        #expect(ledger.forwards(.commandComplete))
        #expect(ledger.received(.readyForQuery) == .forwardEnd)
        #expect(ledger.isSettled && !ledger.isDoubtful)
    }

    @Test(arguments: [true, false])
    func `libpq sends a Sync into the COPY, which is never answered`(isSeen: Bool) {
        let ledger = Transcript(ReplyLedger())
        ledger.sentAll(.parse, .bind, .describePortal, .execute)
        if !isSeen { ledger.sent(.sync) }
        #expect(ledger.forwards(.parseComplete, .bindComplete, .noData, .copyIn))
        if isSeen { ledger.sent(.sync) }
        #expect(ledger.isCopyingIn && ledger.count == 1)
        ledger.sentAll(.copyEnd, .sync)
        #expect(ledger.forwards(.commandComplete))
        #expect(!ledger.isSettled)
        #expect(ledger.received(.readyForQuery) == .forwardEnd)
        #expect(ledger.isSettled && !ledger.isDoubtful)
    }

    @Test func `a COPY that fails by itself before its end was sent`() {
        let ledger = Transcript(ReplyLedger())
        ledger.sent(.query)
        #expect(ledger.forwards(.copyIn))
        #expect(ledger.received(.error) == .forwardError)
        #expect(!ledger.isCopyingIn)
        ledger.sent(.copyEnd)  // stray: the client had not seen the error
        #expect(ledger.received(.readyForQuery) == .forwardEnd)
        #expect(ledger.isSettled && !ledger.isDoubtful)
        ledger.sent(.copyEnd)  // stray again, with nothing due
        #expect(ledger.isSettled && ledger.count == 0)
    }

    @Test func `a COPY that fails after its end was sent`() {
        let ledger = Transcript(ReplyLedger())
        ledger.sent(.query)
        #expect(ledger.forwards(.copyIn))
        ledger.sentAll(.copyEnd, .query)
        #expect(ledger.received(.error) == .forwardError)
        #expect(ledger.received(.readyForQuery) == .forwardEnd)
        #expect(ledger.forwards(.commandComplete))
        #expect(ledger.received(.readyForQuery) == .forwardEnd)
        #expect(ledger.isSettled && !ledger.isDoubtful)
    }

    @Test func `an extended COPY that fails skips its data's end and goes on at the Sync`() {
        let ledger = Transcript(ReplyLedger())
        ledger.sent(.execute)
        #expect(ledger.forwards(.copyIn))
        ledger.sentAll(.copyEnd, .sync)
        #expect(ledger.received(.error) == .forwardError)
        #expect(ledger.current == .sync)
        #expect(ledger.received(.readyForQuery) == .forwardEnd)
        #expect(ledger.isSettled && !ledger.isDoubtful)
    }

    @Test func `an extended COPY that fails before its end was sent waits for the Sync`() {
        let ledger = Transcript(ReplyLedger())
        ledger.sent(.execute)
        #expect(ledger.forwards(.copyIn))
        #expect(ledger.received(.error) == .forwardError)
        #expect(ledger.isSkipping && !ledger.isSettled)
        ledger.sent(.copyEnd)
        #expect(ledger.isSkipping)
        ledger.sent(.sync)
        #expect(ledger.received(.readyForQuery) == .forwardEnd)
        #expect(ledger.isSettled && !ledger.isDoubtful)
    }

    @Test(arguments: [true, false])
    func `two COPYs in one Query take one end each`(isEager: Bool) {
        let ledger = Transcript(ReplyLedger())
        ledger.sent(.query)
        if isEager { ledger.sentAll(.copyEnd, .copyEnd) }
        #expect(ledger.forwards(.copyIn))
        if !isEager { ledger.sent(.copyEnd) }
        #expect(ledger.forwards(.commandComplete, .copyIn))
        #expect(ledger.isCopyingIn == !isEager)
        if !isEager { ledger.sent(.copyEnd) }
        #expect(!ledger.isCopyingIn)
        #expect(ledger.forwards(.commandComplete))
        #expect(ledger.received(.readyForQuery) == .forwardEnd)
        #expect(ledger.isSettled && !ledger.isDoubtful)
    }

    @Test(arguments: [ReplyLedger.Request.query, .execute])
    func `an error in a COPY that a Sync was sent into leaves doubt`(request: ReplyLedger.Request) {
        // Whether the server read the Sync in the COPY, or after its error, cannot be seen.
        let ledger = Transcript(ReplyLedger())
        ledger.sentAll(request, .sync)
        #expect(ledger.forwards(.copyIn))
        #expect(!ledger.isDoubtful)
        #expect(ledger.received(.error) == .forwardError)
        #expect(ledger.isDoubtful)
    }

    @Test func `libpq's Sync may be answered when the COPY failed before it was read`() {
        // COPY of PQexecParams into a table whose trigger fails before the first row.
        let ledger = Transcript(ReplyLedger())
        ledger.sentAll(.parse, .bind, .execute, .sync)
        #expect(ledger.forwards(.parseComplete, .bindComplete, .copyIn))
        #expect(ledger.received(.error) == .forwardError)
        #expect(ledger.isDoubtful && !ledger.isSettled)
        #expect(ledger.received(.readyForQuery) == .forwardEnd)
        #expect(ledger.isSettled && ledger.isDoubtful)
        #expect(ledger.received(.readyForQuery) == .unexpected)
    }

    @Test(arguments: ReplyLedger.Request.allCases, [true, false])
    func `anything but data and Sync in a COPY leaves doubt`(
        request: ReplyLedger.Request,
        isSeen: Bool
    ) {
        let ledger = Transcript(ReplyLedger())
        ledger.sent(.query)
        if !isSeen { ledger.sent(request) }
        #expect(ledger.forwards(.copyIn))
        if isSeen { ledger.sent(request) }
        #expect(ledger.isDoubtful == (request != .sync && request != .copyEnd))
    }

    @Test func `a COPY to the client is an answer like rows`() {
        let ledger = Transcript(ReplyLedger())
        ledger.sentAll(.execute, .sync)
        #expect(ledger.forwards(.copyOut, .copyData, .copyData, .copyDone, .commandComplete))
        #expect(ledger.received(.readyForQuery) == .forwardEnd)
        ledger.sent(.query)
        #expect(ledger.forwards(.copyOut, .copyData))
        #expect(ledger.received(.error) == .forwardError)
        #expect(ledger.received(.readyForQuery) == .forwardEnd)
        #expect(ledger.isSettled)
    }

    @Test func `an end of data behind an Execute that was no COPY delays nothing`() {
        let ledger = Transcript(ReplyLedger())
        ledger.sentAll(.execute, .copyEnd)
        #expect(ledger.forwards(.commandComplete))
        #expect(ledger.isSettled)
        ledger.sent(.sync)
        #expect(ledger.received(.readyForQuery) == .forwardEnd)
    }

    @Test func `a stray end of data does not end the next COPY`() {
        let ledger = Transcript(ReplyLedger())
        ledger.sentAll(.query, .copyEnd, .query)
        #expect(ledger.forwards(.commandComplete))
        #expect(ledger.received(.readyForQuery) == .forwardEnd)
        #expect(ledger.forwards(.copyIn))
        #expect(ledger.isCopyingIn)
    }

    @Test func `many Syncs sent into a COPY are dropped in one go`() {
        let ledger = Transcript(ReplyLedger())
        ledger.sent(.execute)
        for _ in 0..<200_000 { ledger.sent(.sync) }
        let clock = ContinuousClock()
        let time = clock.measure { _ = ledger.received(.copyIn) }
        #expect(ledger.count == 1)
        #expect(time < .milliseconds(500), "a client could hold a worker up with this: \(time)")
    }
}
