import Pooling
import TestSupport
import Testing
import Wire

/// The simple protocol, the extended one, and what comes by itself.
struct ReplyLedgerTests {
    @Test func `a ledger that nothing was entered into owes nothing`() {
        let ledger = ReplyLedger()
        #expect(ledger.isSettled && ledger.count == 0 && ledger.current == nil)
        #expect(!ledger.isSwallowing && !ledger.owesReady && !ledger.isExtended)
    }

    @Test func `a query is answered up to ReadyForQuery`() {
        let ledger = Transcript(ReplyLedger())
        ledger.sent(.query)
        #expect(!ledger.isSettled && ledger.owesReady)
        #expect(ledger.received(.rowDescription) == .forward)
        #expect(ledger.received(.dataRow) == .forward)
        #expect(ledger.received(.commandComplete) == .forward)
        #expect(!ledger.isSettled)
        #expect(ledger.received(.readyForQuery) == .forwardEnd)
        #expect(ledger.isSettled && !ledger.owesReady)
    }

    @Test func `a query of several statements has one ReadyForQuery`() {
        let ledger = Transcript(ReplyLedger())
        ledger.sent(.query)
        #expect(ledger.forwards(.commandComplete, .rowDescription, .dataRow, .commandComplete))
        #expect(ledger.forwards(.copyOut, .copyData, .copyDone, .commandComplete))
        #expect(ledger.received(.error) == .forwardError)
        #expect(!ledger.isSettled)
        #expect(ledger.received(.readyForQuery) == .forwardEnd)
        #expect(ledger.isSettled)
    }

    @Test func `an empty query is answered`() {
        let ledger = Transcript(ReplyLedger())
        ledger.sent(.query)
        #expect(ledger.forwards(.emptyQuery))
        #expect(ledger.received(.readyForQuery) == .forwardEnd)
    }

    @Test func `a function call is answered up to ReadyForQuery, its error too`() {
        let ledger = Transcript(ReplyLedger())
        ledger.sentAll(.functionCall, .functionCall)
        #expect(ledger.forwards(.functionResult))
        #expect(ledger.received(.readyForQuery) == .forwardEnd)
        #expect(ledger.received(.error) == .forwardError)
        #expect(!ledger.isSettled)
        #expect(ledger.received(.readyForQuery) == .forwardEnd)
        #expect(ledger.isSettled)
    }

    @Test func `an extended batch is answered one by one`() {
        let ledger = Transcript(ReplyLedger())
        ledger.sentAll(.parse, .describeStatement, .bind, .describePortal, .execute, .close, .sync)
        #expect(ledger.count == 7 && ledger.isExtended)
        #expect(ledger.forwards(.parseComplete, .parameterDescription, .rowDescription))
        #expect(ledger.count == 5)
        #expect(ledger.forwards(.bindComplete, .noData, .dataRow, .dataRow, .commandComplete))
        #expect(ledger.current == .close)
        #expect(ledger.forwards(.closeComplete))
        #expect(ledger.received(.readyForQuery) == .forwardEnd)
        #expect(ledger.isSettled)
    }

    @Test func `an Execute ends with its tag, empty, or suspended`() {
        for end in [BackendKind.commandComplete, .emptyQuery, .portalSuspended] {
            let ledger = Transcript(ReplyLedger())
            ledger.sentAll(.execute, .execute)
            #expect(ledger.forwards(.dataRow, end))
            #expect(ledger.count == 1)
            #expect(ledger.forwards(.dataRow, .commandComplete))
            #expect(ledger.isSettled)
        }
    }

    @Test(arguments: 0..<5)
    func `an error at any place skips up to the Sync`(place: Int) {
        let ledger = Transcript(ReplyLedger())
        ledger.sentAll(.parse, .bind, .describePortal, .execute, .sync, .query)
        let answers: [BackendKind] = [.parseComplete, .bindComplete, .noData, .commandComplete]
        for answer in answers[..<place] { #expect(ledger.received(answer) == .forward) }
        #expect(ledger.received(.error) == .forwardError)
        #expect(ledger.current == .sync)
        #expect(ledger.received(.readyForQuery) == .forwardEnd)
        #expect(ledger.current == .query)
        #expect(ledger.forwards(.commandComplete))
        #expect(ledger.received(.readyForQuery) == .forwardEnd)
        #expect(ledger.isSettled && !ledger.isDoubtful)
    }

    @Test func `after an error without a Sync all that is sent is thrown away, a Query too`() {
        let ledger = Transcript(ReplyLedger())
        ledger.sentAll(.parse, .bind)
        #expect(ledger.received(.error) == .forwardError)
        #expect(ledger.isSkipping && !ledger.isSettled && ledger.count == 0 && ledger.isExtended)
        ledger.sentAll(.execute, .query, .functionCall, .copyEnd, .close)
        #expect(ledger.count == 0 && ledger.isSkipping)
        ledger.sent(.sync)
        #expect(!ledger.isSkipping && ledger.count == 1)
        #expect(ledger.received(.readyForQuery) == .forwardEnd)
        #expect(ledger.isSettled)
    }

    @Test func `a Query behind a failed Parse is thrown away although it was sent before`() {
        let ledger = Transcript(ReplyLedger())
        ledger.sentAll(.parse, .query)
        #expect(ledger.received(.error) == .forwardError)
        #expect(ledger.isSkipping && !ledger.isSettled)
        #expect(ledger.received(.readyForQuery) == .unexpected)
    }

    @Test func `an error in the middle of a pipeline ends with its own Sync`() {
        let ledger = Transcript(ReplyLedger())
        for _ in 0..<3 { ledger.sentAll(.parse, .bind, .execute, .sync) }
        for _ in 0..<1 {
            #expect(ledger.forwards(.parseComplete, .bindComplete, .commandComplete))
            #expect(ledger.received(.readyForQuery) == .forwardEnd)
        }
        #expect(ledger.forwards(.parseComplete))
        #expect(ledger.received(.error) == .forwardError)
        #expect(ledger.count == 5)
        #expect(ledger.received(.readyForQuery) == .forwardEnd)
        #expect(ledger.forwards(.parseComplete, .bindComplete, .commandComplete))
        #expect(!ledger.isSettled)
        #expect(ledger.received(.readyForQuery) == .forwardEnd)
        #expect(ledger.isSettled)
    }

    @Test func `a Sync may fail to commit and is answered all the same`() {
        let ledger = Transcript(ReplyLedger())
        ledger.sentAll(.execute, .sync, .sync)
        #expect(ledger.forwards(.commandComplete))
        #expect(ledger.received(.error) == .forwardError)
        #expect(ledger.current == .sync && ledger.count == 2)
        #expect(ledger.received(.readyForQuery) == .forwardEnd)
        #expect(ledger.received(.readyForQuery) == .forwardEnd)
        #expect(ledger.isSettled)
    }

    @Test func `requests of Weir's own in front of the client's are swallowed`() {
        let ledger = Transcript(ReplyLedger())
        ledger.sent(.query, for: .pooler)
        ledger.sentAll(.parse, .sync)
        #expect(ledger.isSwallowing)
        #expect(ledger.received(.parameterStatus) == .swallow)
        #expect(ledger.received(.notice) == .swallow)
        #expect(ledger.received(.commandComplete) == .swallow)
        #expect(ledger.received(.error) == .swallowError)
        #expect(ledger.received(.readyForQuery) == .swallowEnd)
        #expect(!ledger.isSwallowing)
        #expect(ledger.received(.parameterStatus) == .asynchronous)
        #expect(ledger.received(.parseComplete) == .forward)
        #expect(ledger.received(.readyForQuery) == .forwardEnd)
    }

    @Test func `Weir's own Close in the client's batch is swallowed and its batch goes on`() {
        let ledger = Transcript(ReplyLedger())
        ledger.sent(.close, for: .pooler)
        ledger.sentAll(.bind, .execute, .sync)
        #expect(ledger.received(.closeComplete) == .swallow)
        #expect(ledger.received(.error) == .forwardError)
        #expect(ledger.received(.readyForQuery) == .forwardEnd)
        #expect(ledger.isSettled)
    }

    @Test func `what the server says by itself changes nothing`() {
        let ledger = Transcript(ReplyLedger())
        for kind in [BackendKind.notice, .notification, .parameterStatus] {
            #expect(ledger.received(kind) == .asynchronous)
        }
        ledger.sentAll(.bind, .sync)
        for kind in [BackendKind.notice, .notification, .parameterStatus] {
            #expect(ledger.received(kind) == .asynchronous)
        }
        #expect(ledger.count == 2)
    }

    @Test func `a notification is for the client though Weir's own query is answered`() {
        let ledger = Transcript(ReplyLedger())
        ledger.sent(.query, for: .pooler)
        #expect(ledger.received(.notification) == .asynchronous)
        #expect(ledger.received(.notice) == .swallow)
        #expect(ledger.received(.parameterStatus) == .swallow)
        #expect(ledger.received(.commandComplete) == .swallow)
        #expect(ledger.received(.readyForQuery) == .swallowEnd)
    }

    @Test func `an error that nothing was asked for is the server's farewell`() {
        let ledger = Transcript(ReplyLedger())
        #expect(ledger.received(.error) == .asynchronousError)
        ledger.sent(.parse)
        #expect(ledger.forwards(.parseComplete))
        #expect(ledger.received(.error) == .asynchronousError)
    }

    @Test func `a farewell while a failed batch waits for its Sync is one, too`() {
        let ledger = Transcript(ReplyLedger())
        ledger.sent(.parse)
        #expect(ledger.received(.error) == .forwardError)
        #expect(ledger.received(.error) == .asynchronousError)
    }

    @Test func `every reply that a request does not explain is unexpected`() {
        let allowed: [ReplyLedger.Request: [BackendKind]] = [
            .query: [
                .rowDescription, .dataRow, .commandComplete, .emptyQuery, .copyIn, .copyOut,
                .copyData, .copyDone, .copyBoth, .readyForQuery,
            ],
            .functionCall: [.functionResult, .readyForQuery],
            .parse: [.parseComplete],
            .bind: [.bindComplete],
            .describeStatement: [.parameterDescription, .rowDescription, .noData],
            .describePortal: [.rowDescription, .noData],
            .execute: [
                .dataRow, .commandComplete, .emptyQuery, .portalSuspended, .copyIn, .copyOut,
                .copyData, .copyDone,
            ],
            .close: [.closeComplete],
            .sync: [.readyForQuery],
            .copyEnd: [],
        ]
        let always: [BackendKind] = [.notice, .notification, .parameterStatus, .error]
        for request in ReplyLedger.Request.allCases {
            for code in UInt8.min...UInt8.max {
                let ledger = Transcript(ReplyLedger())
                ledger.sent(request)
                let kind = BackendKind(rawValue: code)
                let isAllowed = kind.map { (always + allowed[request, default: []]).contains($0) }
                #expect(
                    (ledger.received(code) != .unexpected) == (isAllowed ?? false),
                    "\(request) answered by \(code)"
                )
            }
        }
    }

    @Test func `nothing but what comes by itself may come when nothing was asked`() {
        let always: [BackendKind] = [.notice, .notification, .parameterStatus, .error]
        for code in UInt8.min...UInt8.max {
            let ledger = Transcript(ReplyLedger())
            let isAllowed = BackendKind(rawValue: code).map { always.contains($0) } ?? false
            #expect((ledger.received(code) != .unexpected) == isAllowed, "\(code)")
        }
    }

    @Test func `a pipeline that never runs dry keeps its memory bounded`() throws {
        let ledger = Transcript(ReplyLedger())
        ledger.sent(.sync)
        for _ in 0..<100_000 {
            ledger.sent(.sync)
            _ = ledger.received(.readyForQuery)
        }
        #expect(ledger.count == 1)
        func child(_ name: String, of value: Any) -> Any? {
            Mirror(reflecting: value).children.first { $0.label == name }?.value
        }
        let entries = try #require(child("entries", of: ledger.value))
        let storage = child("storage", of: entries)
        let kept = try #require(storage as? [UInt8])
        #expect(kept.count < 10_000)
    }
}
