import TestSupport
import Testing
import Wire

@testable import Pooling

/// Unnamed statements that are served by shared ones.
struct RepeatedStatementTests {
    private let stage = StatementStage()

    @Test func `it is parsed once, under a name, and bound by that`() {
        #expect(self.stage.parseRepeated("SELECT 1") == .replaced)
        #expect(self.stage.bind("") == .renamed)
        self.stage.sync()
        #expect(self.stage.clientGot == "1 2 Z")
        #expect(self.stage.parseRepeated("SELECT 1") == .answered)
        #expect(self.stage.bind("") == .renamed)
        self.stage.sync()
        #expect(self.stage.clientGot == "1 2 Z")
        #expect(self.stage.serverGot == "P(#1) D(#1) B(#1) S B(#1) S")
        self.stage.newClient()
        #expect(self.stage.bytesKept == 0)
    }

    @Test func `a later Parse is another one, whichever serves it`() {
        _ = self.stage.parseRepeated("SELECT 1")
        _ = self.stage.parse("", "SELECT 2")
        #expect(self.stage.bind("") == .pass)
        _ = self.stage.parseRepeated("SELECT 1")
        #expect(self.stage.bind("") == .renamed)
        #expect(self.stage.describe("") == .replaced)
        self.stage.sync()
        #expect(self.stage.clientGot == "1 1 2 1 2 t T Z")
        #expect(self.stage.serverGot == "P(#1) D(#1) P() B() B(#1) D(#1) S")
    }

    @Test func `one that an error skips leaves the one before it`() {
        _ = self.stage.parse("", "SELECT 2")
        self.stage.execute()
        _ = self.stage.parseRepeated("SELECT 1")
        self.stage.sync()
        #expect(self.stage.clientGot == "1 E[34000] Z")
        #expect(self.stage.bind("") == .pass)
        self.stage.sync()
        #expect(self.stage.clientGot == "2 Z")
        #expect(self.stage.serverGot == "P() E P(#1) D(#1) S B() S")
    }

    @Test func `where a failure could not be healed the text is parsed again`() {
        _ = self.stage.parseRepeated("SELECT 1 AS a")
        self.stage.sync()
        #expect(self.stage.clientGot == "1 Z")
        #expect(self.stage.bind("", canRepeat: false) == .pass)
        self.stage.sync()
        #expect(self.stage.clientGot == "2 Z")
        #expect(self.stage.parseRepeated("SELECT 1 AS a", canRepeat: false) == nil)
        #expect(self.stage.serverGot == "P(#1) D(#1) S P() B() S")
    }

    @Test func `a Parse that may still fail is not repeated`() {
        self.stage.server.hasLostTables = true
        _ = self.stage.parseRepeated("SELECT gone")
        self.stage.sync()
        #expect(self.stage.bind("", canRepeat: false) == .hold)
        #expect(self.stage.clientGot == "E[42P01] Z")
        #expect(self.stage.bind("", canRepeat: false) == .pass)
        self.stage.sync()
        #expect(self.stage.clientGot == "E[26000] Z")
    }

    @Test func `a text that is parsed again in a batch which may fail is not relied on behind it`()
    {
        _ = self.stage.parseRepeated("SELECT 1 AS a")
        self.stage.execute()
        #expect(self.stage.bind("", canRepeat: false) == .pass)
        self.stage.sync()
        // The client keeps its statement when that batch fails, and the server has none then.
        #expect(self.stage.bind("", canRepeat: false) == .hold)
        #expect(self.stage.clientGot == "1 E[34000] Z")
        #expect(self.stage.bind("", canRepeat: false) == .pass)
        self.stage.sync()
        #expect(self.stage.clientGot == "2 Z")
        #expect(self.stage.serverGot == "P(#1) D(#1) E P() B() S P() B() S")
    }

    @Test func `what comes back is told from what does not, in a table of fixed size`() {
        var repetitions = Repetitions()
        for round in 0..<4 {
            let comesBack = repetitions.comesBack(17, after: 3)
            #expect(comesBack == (round == 3))
        }
        // Others come by once each, as many as there are cells.
        for other in 0..<Repetitions.cellCount {
            let comesBack = repetitions.comesBack(UInt64(1_000_000 + other), after: 3)
            #expect(!comesBack)
        }
        let stillComesBack = repetitions.comesBack(17, after: 3)
        #expect(stillComesBack)
        // One that comes no more makes room.
        let same = 17 + UInt64(Repetitions.cellCount)
        var count = 0
        while !repetitions.comesBack(same, after: 3), count < 100 { count += 1 }
        #expect(count < 100)
    }
}
