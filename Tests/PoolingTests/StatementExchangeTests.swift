import Pooling
import TestSupport
import Testing
import Wire

/// One client's prepared statements on one server, message by message.
struct StatementExchangeTests {
    private let stage = StatementStage()

    @Test func `a statement leaves under its shared name, described for Weir alone`() {
        #expect(self.stage.parse("s", "SELECT 1") == .replaced)
        #expect(self.stage.bind("s") == .renamed)
        self.stage.execute()
        self.stage.sync()
        #expect(self.stage.clientGot == "1 2 C Z")
        #expect(self.stage.serverGot == "P(#1) D(#1) B(#1) E S")
        #expect(self.stage.isSettled)
    }

    @Test func `what the server has is answered without it, in its turn`() {
        _ = self.stage.parse("s", "SELECT 1")
        self.stage.sync()
        #expect(self.stage.clientGot == "1 Z")
        _ = self.stage.serverGot
        #expect(self.stage.bind("s") == .renamed)
        #expect(self.stage.parse("t", "SELECT 1") == .answered)
        #expect(self.stage.close("s") == .answered)
        #expect(self.stage.bind("t") == .renamed)
        self.stage.sync()
        #expect(self.stage.clientGot == "2 1 3 2 Z")
        #expect(self.stage.serverGot == "B(#1) B(#1) S")
    }

    @Test func `an error skips what Weir would have answered`() {
        _ = self.stage.parse("s", "SELECT 1")
        self.stage.sync()
        #expect(self.stage.clientGot == "1 Z")
        self.stage.execute()
        #expect(self.stage.parse("t", "SELECT 1") == .answered)
        #expect(self.stage.close("s") == .answered)
        self.stage.sync()
        #expect(self.stage.clientGot == "E[34000] Z")
        #expect(self.stage.bind("t") == .pass)
        self.stage.sync()
        #expect(self.stage.bind("s") == .renamed)
        self.stage.sync()
        #expect(self.stage.clientGot == "E[26000] Z 2 Z")
    }

    @Test func `a name in use is refused in its turn`() {
        _ = self.stage.parse("s", "SELECT 1")
        #expect(self.stage.bind("s") == .renamed)
        guard case .refuse = self.stage.parse("s", "SELECT 2") else {
            return #expect(Bool(false), "not refused")
        }
        _ = self.stage.bind("s")
        self.stage.sync()
        #expect(self.stage.clientGot == "1 2 refused[42P05] Z")
    }

    @Test func `a name that is not known is passed on as it is`() {
        #expect(self.stage.bind("missing") == .pass)
        #expect(self.stage.describe("missing") == .pass)
        self.stage.sync()
        #expect(self.stage.clientGot == "E[26000] Z")
        #expect(self.stage.serverGot == "B(missing) D(missing) S")
    }

    @Test func `what depends on an earlier batch waits for it, and within one nothing does`() {
        #expect(self.stage.parse("s", "SELECT 1") == .replaced)
        #expect(self.stage.bind("s") == .renamed)
        self.stage.sync()
        #expect(self.stage.bind("s") == .hold)
        #expect(self.stage.clientGot == "1 2 Z")
        #expect(self.stage.bind("s") == .renamed)
        self.stage.sync()
        #expect(self.stage.clientGot == "2 Z")
    }

    @Test func `a result that its client knows otherwise is refused behind its parameters`() {
        _ = self.stage.parse("s", "SELECT 1")
        _ = self.stage.describe("s")
        self.stage.sync()
        #expect(self.stage.clientGot == "1 t T Z")
        self.stage.server.shape = 2
        self.stage.staleCopies()
        #expect(self.stage.describe("s") == .hold)
        #expect(self.stage.clientGot == "")
        guard case .refuse = self.stage.describe("s") else {
            return #expect(Bool(false), "not refused")
        }
        self.stage.sync()
        #expect(self.stage.clientGot == "t refused[0A000] Z")
        // Not without asking once more: the copy might be older than what the client was told.
        #expect(self.stage.bind("s") == .hold)
        #expect(self.stage.clientGot == "")
        guard case .refuse = self.stage.bind("s") else {
            return #expect(Bool(false), "not refused")
        }
        self.stage.sync()
        #expect(self.stage.clientGot == "refused[0A000] Z")
        // The remedy.
        _ = self.stage.close("s")
        _ = self.stage.parse("s", "SELECT 1")
        _ = self.stage.describe("s")
        self.stage.sync()
        #expect(self.stage.clientGot == "3 1 t T Z")
    }

    /// The client knows the result of `s` as it is now from one server, and goes on with another,
    /// which has parsed it before the change and said so after.
    private func takeOlderServer(isTold: Bool) {
        self.stage.server.shape = 2
        _ = self.stage.parse("s", "SELECT 1")
        if isTold { _ = self.stage.describe("s") }
        self.stage.sync()
        #expect(self.stage.clientGot == (isTold ? "1 t T Z" : "1 Z"))
        self.stage.takeAnotherServer()
        self.stage.server.shape = 1
        _ = self.stage.parse("t", "SELECT 1")
        self.stage.sync()
        #expect(self.stage.clientGot == "1 Z")
        _ = self.stage.serverGot
        self.stage.server.shape = 2
    }

    @Test func `a copy that may be older than what its client was told is parsed anew`() {
        self.takeOlderServer(isTold: true)
        #expect(self.stage.bind("s") == .hold)
        #expect(self.stage.clientGot == "")
        #expect(self.stage.bind("s") == .renamed)
        self.stage.sync()
        #expect(self.stage.clientGot == "2 Z")
    }

    @Test func `nor is such a copy described for a client that was told nothing`() {
        self.takeOlderServer(isTold: false)
        #expect(self.stage.describe("s") == .replaced)
        #expect(self.stage.bind("s", binary: true) == .hold)
        #expect(self.stage.clientGot == "t T")
        #expect(self.stage.bind("s", binary: true) == .renamed)
        self.stage.sync()
        #expect(self.stage.clientGot == "2 Z")
        #expect(self.stage.serverGot == "C(#1) P(#1) D(#1) D(#1) H B(#1) S")
    }

    @Test func `a copy whose Describe has been lost is parsed anew rather than asked about`() {
        self.stage.server.canceled = "D"
        _ = self.stage.parse("s", "SELECT 1")
        self.stage.sync()
        #expect(self.stage.clientGot == "1 E[57014] Z")
        _ = self.stage.serverGot
        // Such a copy may be old by now.
        self.stage.server.shape = 2
        #expect(self.stage.bind("s") == .hold)
        #expect(self.stage.clientGot == "")
        #expect(self.stage.bind("s") == .renamed)
        self.stage.sync()
        #expect(self.stage.clientGot == "2 Z")
        #expect(self.stage.serverGot == "C(#1) P(#1) D(#1) H B(#1) S")
    }

    @Test func `an unnamed statement parsed again under other settings is for one Bind`() {
        _ = self.stage.parse("", "SELECT 1")
        self.stage.sync()
        #expect(self.stage.clientGot == "1 Z")
        self.stage.takeAnotherServer()
        self.stage.set(2)
        _ = self.stage.serverGot
        for settings in [2, 3] as [UInt64] {
            self.stage.set(settings)
            #expect(self.stage.bind("") == .pass)
            self.stage.sync()
            #expect(self.stage.clientGot == "2 Z")
            #expect(self.stage.serverGot == "P() B() S")
        }
    }

    @Test func `what ends a transaction needs no room to be the same under other settings`() {
        let measured = StatementStage()
        _ = measured.parse("s", "rollback AND CHAIN;")
        let stage = StatementStage(bytesMax: measured.bytes)
        _ = stage.parse("s", "rollback AND CHAIN;")
        stage.sync()
        #expect(stage.clientGot == "1 Z")
        stage.set(2)
        #expect(stage.bind("s") == .renamed)
        stage.sync()
        #expect(stage.clientGot == "2 Z")
    }

    @Test(arguments: ["rollback and 'a'", "SELECT 1", "start_date", "e", ""])
    func `what may depend on settings needs room under others`(_ text: String) {
        let measured = StatementStage()
        _ = measured.parse("s", text)
        let stage = StatementStage(bytesMax: measured.bytes)
        _ = stage.parse("s", text)
        stage.sync()
        #expect(stage.clientGot == "1 Z")
        stage.set(2)
        guard case .refuse = stage.bind("s") else { return #expect(Bool(false), "not refused") }
    }

    @Test func `a Describe that is sent again gives its parameters once`() {
        _ = self.stage.parse("s", "SELECT 1")
        self.stage.sync()
        #expect(self.stage.clientGot == "1 Z")
        self.stage.server.shape = 2
        _ = self.stage.describe("s")
        self.stage.sync()
        #expect(self.stage.clientGot == "t E[0A000] Z")
        _ = self.stage.serverGot
        self.stage.resume(isDescribe: true)
        #expect(self.stage.describe("s") == .replaced)
        self.stage.sync()
        #expect(self.stage.clientGot == "T Z")
        #expect(self.stage.serverGot == "C(#1) P(#1) D(#1) D(#1) S")
        // The next one gives them again.
        _ = self.stage.describe("s")
        self.stage.sync()
        #expect(self.stage.clientGot == "t T Z")
    }

    @Test func `a shape that was guessed gives way to what a server says`() {
        _ = self.stage.parse("s", "SELECT 1")
        self.stage.sync()
        #expect(self.stage.clientGot == "1 Z")
        self.stage.server.shape = 2
        #expect(self.stage.parse("t", "SELECT 1") == .answered)
        #expect(self.stage.bind("t", binary: true) == .renamed)
        self.stage.sync()
        #expect(self.stage.clientGot == "1 E[0A000] Z")
        self.stage.resume(isDescribe: false)
        #expect(self.stage.bind("t", binary: true) == .hold)
        #expect(self.stage.clientGot == "")
        #expect(self.stage.bind("t", binary: true) == .renamed)
        self.stage.sync()
        #expect(self.stage.clientGot == "2 Z")
        #expect(self.stage.bind("s", binary: true) == .hold)
        #expect(self.stage.clientGot == "")
        guard case .refuse = self.stage.bind("s", binary: true) else {
            return #expect(Bool(false), "it was there before")
        }
    }

    @Test func `a guess that failed with one Bind is true by the next`() {
        _ = self.stage.parse("s", "SELECT 1")
        self.stage.sync()
        #expect(self.stage.clientGot == "1 Z")
        #expect(self.stage.parse("t", "SELECT 1") == .answered)
        self.stage.sync()
        #expect(self.stage.clientGot == "1 Z")
        self.stage.execute()
        #expect(self.stage.bind("t", binary: true) == .renamed)
        self.stage.sync()
        #expect(self.stage.bind("t", binary: true) == .renamed)
        self.stage.sync()
        #expect(self.stage.clientGot == "E[34000] Z 2 Z")
        self.stage.server.shape = 2
        self.stage.staleCopies()
        #expect(self.stage.bind("t", binary: true) == .hold)
        #expect(self.stage.clientGot == "")
        guard case .refuse = self.stage.bind("t", binary: true) else {
            return #expect(Bool(false), "not refused")
        }
    }

    @Test func `nor is it one again when a Bind behind the first has failed`() {
        _ = self.stage.parse("s", "SELECT 1")
        self.stage.sync()
        #expect(self.stage.clientGot == "1 Z")
        #expect(self.stage.parse("t", "SELECT 1") == .answered)
        #expect(self.stage.bind("t") == .renamed)
        #expect(self.stage.bind("missing") == .pass)
        #expect(self.stage.bind("t", binary: true) == .renamed)
        self.stage.sync()
        #expect(self.stage.clientGot == "1 2 E[26000] Z")
        self.stage.server.shape = 2
        self.stage.staleCopies()
        #expect(self.stage.bind("t", binary: true) == .hold)
        #expect(self.stage.clientGot == "")
        guard case .refuse = self.stage.bind("t", binary: true) else {
            return #expect(Bool(false), "not refused")
        }
    }

    @Test func `a Close of Weir's own that was thrown away has closed nothing`() {
        let stage = StatementStage(limit: 1)
        _ = stage.parse("b", "SELECT 1")
        stage.execute()
        #expect(stage.close("b") == .answered)
        _ = stage.parse("b", "SELECT 2")
        stage.sync()
        #expect(stage.parse("a", "SELECT 1") == .replaced)
        stage.sync()
        #expect(stage.clientGot == "1 E[34000] Z 1 Z")
        #expect(stage.isSettled)
        _ = stage.serverGot
        // What is known of the copy is not certain, so it is parsed again.
        #expect(stage.bind("a") == .hold)
        #expect(stage.clientGot == "")
        #expect(stage.bind("a") == .renamed)
        stage.sync()
        #expect(stage.clientGot == "2 Z")
        #expect(stage.serverGot == "C(#1) P(#1) D(#1) H B(#1) S")
    }

    @Test func `a place is made on a full server`() {
        let stage = StatementStage(limit: 1)
        _ = stage.parse("s", "SELECT 1")
        _ = stage.parse("t", "SELECT 2")
        stage.sync()
        #expect(stage.clientGot == "1 1 Z")
        #expect(stage.serverGot == "P(#1) D(#1) C(#1) P(#2) D(#2) S")
        #expect(stage.server.statements.count == 1)
    }

    private static let int4: [UInt8] = [0, 1, 0, 0, 0, 23]
    private static let text: [UInt8] = [0, 1, 0, 0, 0, 25]

    @Test func `a client goes on with the types of parameters that it was told`() {
        self.stage.server.types = Self.int4
        _ = self.stage.parse("s", "SELECT $1")
        _ = self.stage.describe("s")
        self.stage.sync()
        #expect(self.stage.clientGot == "1 t T Z")
        self.stage.server.types = Self.text
        self.stage.staleCopies()
        #expect(self.stage.parse("t", "SELECT $1") == .replaced)
        self.stage.sync()
        #expect(self.stage.clientGot == "1 Z")
        _ = self.stage.serverGot
        #expect(self.stage.bind("s") == .hold)
        #expect(self.stage.clientGot == "")
        #expect(self.stage.bind("s") == .renamed)
        #expect(self.stage.bind("t") == .renamed)
        self.stage.sync()
        #expect(self.stage.clientGot == "2 2 Z")
        #expect(self.stage.serverGot == "P(#2) D(#2) H B(#2) B(#1) S")
        #expect(Set(self.stage.server.statements.values.map(\.types)) == [Self.int4, Self.text])
    }

    @Test func `types that were taken from another's Parse are found again`() {
        self.stage.server.types = Self.int4
        _ = self.stage.parse("s", "SELECT $1")
        self.stage.sync()
        #expect(self.stage.clientGot == "1 Z")
        #expect(!self.stage.doubts(), "it has been parsed for this client")
        self.stage.server.types = Self.text
        #expect(self.stage.parse("t", "SELECT $1") == .answered)
        #expect(self.stage.bind("t") == .renamed)
        #expect(self.stage.doubts())
        #expect(!self.stage.doubts(), "once is enough")
        self.stage.sync()
        #expect(self.stage.clientGot == "1 2 Z")
        _ = self.stage.serverGot
        #expect(self.stage.bind("t") == .hold)
        #expect(self.stage.clientGot == "")
        #expect(self.stage.bind("t") == .renamed)
        self.stage.sync()
        #expect(self.stage.clientGot == "2 Z")
        #expect(self.stage.serverGot == "C(#1) P(#1) D(#1) H B(#1) S")
        #expect(self.stage.server.statements.values.map(\.types) == [Self.text])
    }

    @Test func `an unnamed statement whose Close was skipped is still there`() {
        _ = self.stage.parse("", "SELECT 1")
        self.stage.execute()
        #expect(self.stage.close("") == .pass)
        self.stage.sync()
        #expect(self.stage.bind("") == .hold)
        #expect(self.stage.clientGot == "1 E[34000] Z")
        #expect(self.stage.bind("") == .pass)
        self.stage.sync()
        #expect(self.stage.clientGot == "2 Z")
        #expect(self.stage.serverGot == "P() E C() S B() S")
    }

    @Test func `notices of what Weir prepares are its own`() {
        _ = self.stage.parse("s", "SELECT notice")
        self.stage.sync()
        #expect(self.stage.clientGot == "N 1 Z")
        self.stage.staleCopies()
        _ = self.stage.bind("s")
        #expect(self.stage.clientGot == "")
        #expect(self.stage.bind("s") == .renamed)
        self.stage.sync()
        #expect(self.stage.clientGot == "2 Z")
        #expect(self.stage.serverGot == "P(#1) D(#1) S C(#1) P(#1) D(#1) H B(#1) S")
    }
}
