import Pooling
import TestSupport
import Testing
import Wire

/// COPY in both directions, as replication streams.
struct ReplyLedgerCopyBothTests {
    private func streaming() -> Transcript<ReplyLedger> {
        let ledger = Transcript(ReplyLedger())
        ledger.sent(.query)
        #expect(ledger.forwards(.copyBoth, .copyData, .copyData))
        #expect(ledger.isCopyingIn && !ledger.isSettled && !ledger.isExtended)
        return ledger
    }

    @Test func `the client ends the stream`() {
        let ledger = self.streaming()
        ledger.sent(.copyEnd)
        // What PostgreSQL had on its way, its own end, and a keepalive behind that.
        #expect(ledger.forwards(.copyData, .copyDone, .copyData))
        #expect(ledger.forwards(.commandComplete, .commandComplete))
        #expect(ledger.received(.readyForQuery) == .forwardEnd)
        #expect(ledger.isSettled && !ledger.isDoubtful && !ledger.isCopyingIn)
    }

    @Test func `the server ends the stream first, and says where the next timeline begins`() {
        let ledger = self.streaming()
        #expect(ledger.forwards(.copyDone))
        #expect(ledger.isCopyingIn)
        ledger.sent(.copyEnd)
        #expect(ledger.forwards(.rowDescription, .dataRow, .commandComplete, .commandComplete))
        #expect(ledger.received(.readyForQuery) == .forwardEnd)
        #expect(ledger.isSettled && !ledger.isDoubtful)
    }

    @Test(arguments: [true, false])
    func `an error ends the stream for both sides`(endIsOnItsWay: Bool) {
        let ledger = self.streaming()
        if endIsOnItsWay { ledger.sent(.copyEnd) }
        #expect(ledger.received(.error) == .forwardError)
        if !endIsOnItsWay { ledger.sent(.copyEnd) }
        #expect(ledger.received(.readyForQuery) == .forwardEnd)
        #expect(ledger.isSettled && !ledger.isDoubtful)
        ledger.sent(.query)
        #expect(ledger.forwards(.rowDescription, .dataRow, .commandComplete))
        #expect(ledger.received(.readyForQuery) == .forwardEnd)
        #expect(ledger.isSettled)
    }

    @Test func `notices come in between`() {
        let ledger = self.streaming()
        #expect(ledger.received(.notice) == .asynchronous)
        #expect(ledger.received(.parameterStatus) == .asynchronous)
        #expect(ledger.forwards(.copyData))
    }

    @Test func `one stream comes behind the other`() {
        let ledger = self.streaming()
        for _ in 0..<3 {
            ledger.sent(.copyEnd)
            #expect(ledger.forwards(.copyDone, .commandComplete))
            #expect(ledger.received(.readyForQuery) == .forwardEnd)
            ledger.sent(.query)
            #expect(ledger.forwards(.copyBoth, .copyData))
        }
    }

    @Test func `a shutdown ends the stream without the client's word`() {
        let ledger = self.streaming()
        #expect(ledger.forwards(.commandComplete))
        #expect(!ledger.isCopyingIn && !ledger.isSettled)
    }

    @Test func `a base backup is several results of one query`() {
        let ledger = Transcript(ReplyLedger())
        ledger.sent(.query)
        #expect(ledger.forwards(.rowDescription, .dataRow, .commandComplete))
        #expect(ledger.forwards(.rowDescription, .dataRow, .commandComplete))
        for _ in 0..<2 {
            #expect(ledger.forwards(.copyOut, .copyData, .copyData, .copyDone))
        }
        #expect(ledger.forwards(.rowDescription, .dataRow, .commandComplete, .commandComplete))
        #expect(ledger.received(.readyForQuery) == .forwardEnd)
        #expect(ledger.isSettled)
    }

    @Test func `the extended protocol has no such COPY`() {
        let ledger = Transcript(ReplyLedger())
        ledger.sentAll(.execute, .sync)
        #expect(ledger.received(.copyBoth) == .unexpected)
        #expect(Transcript(ReplyLedger()).received(.copyBoth) == .unexpected)
    }
}
