import Pooling
import TestSupport
import Testing
import Wire

/// What waits for what, where answers come one by one.
struct StatementOrderTests {
    private let stage = StatementStage()

    @Test func `a name whose Close is under way waits for it, though its Parse is answered`() {
        _ = self.stage.parse("s", "SELECT 1")
        self.stage.execute()
        #expect(self.stage.close("s") == .answered)
        self.stage.sync()
        self.stage.serverReads(2)
        // Both would be there when the error has skipped the Close.
        #expect(self.stage.parse("s", "SELECT 2") == .hold)
        #expect(self.stage.clientGot == "1 E[34000] Z")
        guard case .refuse = self.stage.parse("s", "SELECT 2") else {
            return #expect(Bool(false), "not refused")
        }
        self.stage.sync()
        #expect(self.stage.clientGot == "refused[42P05] Z")
    }

    @Test func `a query that may be skipped does not yet drop what another server has`() {
        _ = self.stage.parse("", "SELECT 1")
        self.stage.sync()
        #expect(self.stage.clientGot == "1 Z")
        self.stage.takeAnotherServer()
        _ = self.stage.serverGot
        self.stage.execute()
        #expect(self.stage.plainQuery("SELECT 2") == .pass)
        self.stage.sync()
        #expect(self.stage.bind("") == .hold)
        #expect(self.stage.clientGot == "E[34000] Z")
        #expect(self.stage.bind("") == .pass)
        self.stage.sync()
        #expect(self.stage.clientGot == "2 Z")
        #expect(self.stage.serverGot == "E Q(SELECT 2) S P() B() S")
    }

    @Test func `an unnamed command that an error may bring back is looked at when it has`() {
        _ = self.stage.parse("s", "SELECT 1")
        _ = self.stage.parse("", "DEALLOCATE s")
        self.stage.sync()
        #expect(self.stage.clientGot == "1 1 Z")
        _ = self.stage.serverGot
        self.stage.execute()
        _ = self.stage.parse("", "SELECT 2")
        self.stage.sync()
        #expect(self.stage.bind("") == .hold)
        #expect(self.stage.clientGot == "E[34000] Z")
        #expect(self.stage.bind("") == .pass)
        self.stage.executeCommand()
        self.stage.sync()
        #expect(self.stage.clientGot == "2 C Z")
        #expect(self.stage.serverGot == "E P() S C(s) P(s) B() E S")
    }

    @Test func `a name waits until it is known what its result looked like`() {
        _ = self.stage.parse("s", "SELECT 1")
        self.stage.sync()
        self.stage.serverReads(1)
        #expect(self.stage.bind("s", binary: true) == .hold)
        #expect(self.stage.clientGot == "1 Z")
        #expect(self.stage.bind("s", binary: true) == .renamed)
        self.stage.sync()
        #expect(self.stage.clientGot == "2 Z")
        #expect(self.stage.serverGot == "P(#1) D(#1) S B(#1) S")
    }

    @Test func `a Parse answered before the shape is known gets to know it`() {
        _ = self.stage.parse("s", "SELECT 1")
        #expect(self.stage.parse("t", "SELECT 1") == .answered)
        #expect(self.stage.bind("t", binary: true) == .hold)
        #expect(self.stage.clientGot == "1 1")
        #expect(self.stage.bind("t", binary: true) == .renamed)
        self.stage.sync()
        #expect(self.stage.clientGot == "2 Z")
        self.stage.server.shape = 2
        self.stage.staleCopies()
        #expect(self.stage.bind("t", binary: true) == .hold)
        #expect(self.stage.clientGot == "")
        guard case .refuse = self.stage.bind("t", binary: true) else {
            return #expect(Bool(false), "binary results of another shape")
        }
    }

    @Test func `a guess that a Bind has confirmed is none any more`() {
        _ = self.stage.parse("s", "SELECT 1")
        self.stage.sync()
        #expect(self.stage.clientGot == "1 Z")
        #expect(self.stage.parse("t", "SELECT 1") == .answered)
        #expect(self.stage.bind("t", binary: true) == .renamed)
        self.stage.sync()
        #expect(self.stage.clientGot == "1 2 Z")
        self.stage.server.shape = 2
        #expect(self.stage.bind("s") == .renamed)
        self.stage.sync()
        #expect(self.stage.clientGot == "E[0A000] Z")
        self.stage.resume(isDescribe: false)
        #expect(self.stage.bind("t", binary: true) == .hold)
        #expect(self.stage.clientGot == "")
        guard case .refuse = self.stage.bind("t", binary: true) else {
            return #expect(Bool(false), "it has been bound with the other shape")
        }
    }

    @Test func `a guess stays one where an error has skipped the Bind that took it for the truth`()
    {
        _ = self.stage.parse("s", "SELECT 1")
        _ = self.stage.parse("u", "SELECT 2")
        self.stage.sync()
        #expect(self.stage.clientGot == "1 1 Z")
        self.stage.server.shape = 2
        #expect(self.stage.parse("t", "SELECT 1") == .answered)
        self.stage.sync()
        #expect(self.stage.clientGot == "1 Z")
        #expect(self.stage.bind("u") == .renamed)
        #expect(self.stage.bind("t", binary: true) == .renamed)
        self.stage.sync()
        #expect(self.stage.clientGot == "E[0A000] Z")
        self.stage.staleCopies()
        #expect(self.stage.bind("t", binary: true) == .hold)
        #expect(self.stage.clientGot == "")
        #expect(self.stage.bind("t", binary: true) == .renamed)
        self.stage.sync()
        #expect(self.stage.clientGot == "2 Z")
        // Now it is none.
        self.stage.server.shape = 3
        self.stage.staleCopies()
        #expect(self.stage.bind("t", binary: true) == .hold)
        #expect(self.stage.clientGot == "")
        guard case .refuse = self.stage.bind("t", binary: true) else {
            return #expect(Bool(false), "binary results of another shape")
        }
    }

    @Test func `what an old copy has said is not taken for what a new one says`() {
        let stage = StatementStage(limit: 1)
        _ = stage.parse("s", "SELECT 1")
        stage.sync()
        #expect(stage.clientGot == "1 Z")
        _ = stage.describe("s")
        stage.sync()
        _ = stage.parse("t", "SELECT 2")
        stage.sync()
        // Before the answer to the Describe has come the copy is closed, and parsed once more.
        #expect(stage.bind("s") == .hold)
        stage.serverReads(2)
        stage.server.shape = 2
        #expect(stage.bind("s") == .hold)
        #expect(stage.clientGot == "t T Z 1 Z")
        guard case .refuse = stage.bind("s") else {
            return #expect(Bool(false), "bound with another shape than was told")
        }
    }

    @Test func `a statement is not parsed anew before the client has been told of the old one`() {
        _ = self.stage.parse("s", "SELECT 1")
        self.stage.sync()
        #expect(self.stage.clientGot == "1 Z")
        self.stage.takeAnotherServer()
        _ = self.stage.describe("s")
        self.stage.sync()
        // The Parse of that batch might have been skipped, so that there must be another one.
        #expect(self.stage.describe("s") == .hold)
        #expect(self.stage.bind("s") == .hold)
        #expect(self.stage.clientGot == "t T Z")
        self.stage.server.shape = 2
        self.stage.staleCopies()
        #expect(self.stage.describe("s") == .hold)
        #expect(self.stage.clientGot == "")
        guard case .refuse = self.stage.describe("s") else {
            return #expect(Bool(false), "described as another shape than was told")
        }
    }

    @Test func `nor is an old copy while the client is about to be told of it`() {
        // The client knows another shape than the one that it is being told.
        _ = self.stage.parse("s", "SELECT 1")
        self.stage.sync()
        #expect(self.stage.clientGot == "1 Z")
        self.stage.takeAnotherServer()
        self.stage.server.shape = 2
        _ = self.stage.describe("s")
        self.stage.sync()
        // All but the client's own Describe.
        self.stage.serverReads(2)
        #expect(self.stage.describe("s") == .hold)
        #expect(self.stage.clientGot == "t T Z")
        self.stage.server.shape = 3
        #expect(self.stage.describe("s") == .replaced)
        self.stage.sync()
        #expect(self.stage.clientGot == "t E[0A000] Z")
    }

    @Test func `after a change of settings an old copy says nothing of what the client was told`() {
        _ = self.stage.parse("x", "SELECT 1")
        self.stage.sync()
        #expect(self.stage.clientGot == "1 Z")
        self.stage.server.shape = 2
        self.stage.set(5)
        _ = self.stage.parse("a", "SELECT 1")
        _ = self.stage.describe("a")
        self.stage.sync()
        #expect(self.stage.clientGot == "1 t T Z")
        self.stage.set(0)
        _ = self.stage.serverGot
        #expect(self.stage.bind("a") == .hold)
        #expect(self.stage.clientGot == "")
        #expect(self.stage.bind("a") == .renamed)
        self.stage.sync()
        #expect(self.stage.clientGot == "2 Z")
        #expect(self.stage.serverGot == "C(#1) P(#1) D(#1) H B(#1) S")
    }

    @Test func `an unnamed statement of another shape is refused again and again`() {
        _ = self.stage.parse("", "SELECT 1")
        _ = self.stage.describe("")
        self.stage.sync()
        #expect(self.stage.clientGot == "1 t T Z")
        self.stage.takeAnotherServer()
        self.stage.server.shape = 2
        for _ in 0..<2 {
            #expect(self.stage.bind("") == .hold)
            #expect(self.stage.clientGot == "")
            guard case .refuse = self.stage.bind("") else {
                return #expect(Bool(false), "bound with another shape than was told")
            }
            // Skipped, so that it is the first one still.
            _ = self.stage.parse("", "SELECT 2")
            self.stage.sync()
            #expect(self.stage.bind("") == .hold)
            #expect(self.stage.clientGot == "refused[0A000] Z")
        }
    }

    @Test func `an unnamed statement that could not be parsed again is parsed the next time`() {
        _ = self.stage.parse("", "SELECT gone")
        self.stage.sync()
        #expect(self.stage.clientGot == "1 Z")
        // As somebody else's query does, who has the server meanwhile.
        _ = self.stage.query("SELECT 1")
        #expect(self.stage.clientGot == "C Z")
        _ = self.stage.serverGot
        self.stage.server.hasLostTables = true
        #expect(self.stage.bind("") == .pass)
        self.stage.sync()
        #expect(self.stage.clientGot == "E[42P01] Z")
        self.stage.server.hasLostTables = false
        #expect(self.stage.bind("") == .pass)
        self.stage.sync()
        #expect(self.stage.clientGot == "2 Z")
        #expect(self.stage.serverGot == "P() B() S P() B() S")
    }

    @Test func `what an error has brought back makes room for the next`() {
        let stage = StatementStage(limit: 2)
        _ = stage.parse("a", "SELECT 1")
        _ = stage.parse("b", "SELECT 2")
        stage.sync()
        stage.execute()
        _ = stage.parse("c", "SELECT 3")
        stage.sync()
        #expect(stage.clientGot == "1 1 Z E[34000] Z")
        #expect(stage.server.statements.count == 2)
        _ = stage.parse("c", "SELECT 3")
        stage.sync()
        #expect(stage.clientGot == "1 Z")
        #expect(stage.server.statements.count == 2)
    }
}
