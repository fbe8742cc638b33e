import Pooling
import TestSupport
import Testing
import Wire

/// SQL about statements of the protocol, message by message.
struct StatementCommandTests {
    private let stage = StatementStage()

    private func prepare(_ name: String, _ text: String) {
        _ = self.stage.parse(name, text)
        self.stage.sync()
        #expect(self.stage.clientGot == "1 Z")
        _ = self.stage.serverGot
    }

    @Test func `DEALLOCATE finds a statement of the protocol`() {
        self.prepare("s", "SELECT 1")
        // It is made real first, in a batch of its own.
        #expect(self.stage.query("DEALLOCATE s") == .hold)
        #expect(self.stage.clientGot == "")
        #expect(self.stage.query("DEALLOCATE s") == .pass)
        #expect(self.stage.clientGot == "C Z")
        #expect(self.stage.serverGot == "C(s) P(s) S Q(DEALLOCATE s)")
        #expect(self.stage.bind("s") == .pass)
        self.stage.sync()
        #expect(self.stage.clientGot == "E[26000] Z")
        // The shared one is still there.
        #expect(self.stage.parse("s", "SELECT 1") == .answered)
    }

    @Test func `DEALLOCATE of a name that is not there is PostgreSQL's to refuse`() {
        self.prepare("s", "SELECT 1")
        #expect(self.stage.query("DEALLOCATE t") == .pass)
        #expect(self.stage.clientGot == "E[26000] Z")
        #expect(self.stage.bind("s") == .renamed)
    }

    @Test(arguments: ["DEALLOCATE ALL", "DISCARD ALL"])
    func `all of a client's names go, and all that the server has`(_ text: String) {
        self.prepare("s", "SELECT 1")
        #expect(self.stage.query(text) == .pass)
        // What names there are is known when that has been run.
        #expect(self.stage.bind("s") == .hold)
        #expect(self.stage.clientGot == "C Z")
        #expect(self.stage.bind("s") == .pass)
        self.stage.sync()
        #expect(self.stage.clientGot == "E[26000] Z")
        #expect(self.stage.parse("s", "SELECT 1") == .replaced)
        self.stage.sync()
        #expect(self.stage.clientGot == "1 Z")
        #expect(self.stage.isSettled)
    }

    @Test func `DEALLOCATE by the extended protocol, prepared and unnamed`() {
        self.prepare("s", "SELECT 1")
        #expect(self.stage.parse("d", "DEALLOCATE s") == .replaced)
        #expect(self.stage.bind("d") == .renamed)
        self.stage.executeCommand()
        self.stage.sync()
        #expect(self.stage.bind("s") == .hold)
        #expect(self.stage.clientGot == "1 2 C Z")
        #expect(self.stage.serverGot == "P(#2) D(#2) C(s) P(s) B(#2) E S H")
        #expect(self.stage.bind("s") == .pass)
        self.stage.sync()
        #expect(self.stage.clientGot == "E[26000] Z")
        self.prepare("t", "SELECT 2")
        _ = self.stage.parse("", "DEALLOCATE t")
        #expect(self.stage.bind("") == .pass)
        self.stage.executeCommand()
        self.stage.sync()
        #expect(self.stage.clientGot == "1 2 C Z")
        #expect(self.stage.serverGot == "P() C(t) P(t) B() E S")
    }

    @Test func `EXECUTE runs a statement of the protocol`() {
        self.prepare("s", "SELECT 1")
        #expect(self.stage.query("EXECUTE s") == .hold)
        #expect(self.stage.clientGot == "")
        #expect(self.stage.query("EXECUTE s") == .pass)
        #expect(self.stage.clientGot == "C Z")
        #expect(self.stage.serverGot == "C(s) P(s) S Q(EXECUTE s)")
        #expect(self.stage.bind("s") == .renamed)
    }

    @Test func `a name that was real is not met once it is closed`() {
        self.prepare("s", "SELECT 1")
        _ = self.stage.query("EXECUTE s")
        #expect(self.stage.clientGot == "")
        _ = self.stage.query("EXECUTE s")
        #expect(self.stage.clientGot == "C Z")
        #expect(self.stage.close("s") == .answered)
        _ = self.stage.serverGot
        #expect(self.stage.bind("s") == .pass)
        self.stage.sync()
        #expect(self.stage.clientGot == "3 E[26000] Z")
        #expect(self.stage.serverGot == "C(s) C(s) B(s) S")
        #expect(self.stage.query("EXECUTE s") == .pass)
        #expect(self.stage.clientGot == "E[26000] Z")
    }

    @Test func `a statement that cannot be made real fails in place of its EXECUTE`() {
        self.prepare("s", "SELECT gone")
        self.stage.server.hasLostTables = true
        #expect(self.stage.query("EXECUTE s") == .hold)
        #expect(self.stage.clientGot == "")
        guard case .refuse(let fields) = self.stage.query("EXECUTE s") else {
            return #expect(Bool(false), "not refused")
        }
        #expect(fields.sqlState.code == "42P01")
        #expect(self.stage.clientGot == "refused[42P01] Z")
        #expect(self.stage.serverGot == "C(s) P(s) S Q(refused)")
        // Nobody has to wait for a Sync of the client's now.
        #expect(self.stage.isSettled)
    }

    @Test func `in a transaction that has failed such a text fails like any other`() {
        self.prepare("s", "SELECT 1")
        _ = self.stage.query("BEGIN")
        _ = self.stage.query("fail")
        #expect(self.stage.clientGot == "C Z E[22012] Z")
        #expect(self.stage.query("EXECUTE s") == .pass)
        #expect(self.stage.clientGot == "E[25P02] Z")
    }

    @Test func `in a batch that has not ended a command finds a statement, too`() {
        self.prepare("s", "SELECT 1")
        _ = self.stage.query("EXECUTE s")
        #expect(self.stage.clientGot == "")
        _ = self.stage.query("EXECUTE s")
        #expect(self.stage.close("s") == .answered)
        _ = self.stage.parse("s", "SELECT 2")
        self.stage.sync()
        #expect(self.stage.clientGot == "C Z 3 1 Z")
        #expect(self.stage.bind("s") == .renamed)
        #expect(self.stage.query("EXECUTE s") == .hold)
        #expect(self.stage.clientGot == "2")
        _ = self.stage.serverGot
        // Not what was real for an earlier one. A Sync of Weir's would commit what has been run.
        #expect(self.stage.query("EXECUTE s") == .hold)
        #expect(self.stage.clientGot == "")
        #expect(self.stage.query("EXECUTE s") == .pass)
        #expect(self.stage.clientGot == "C Z")
        #expect(self.stage.serverGot == "C(s) P(s) H Q(EXECUTE s)")
    }

    @Test func `where it cannot find it there, the batch ends with that error`() {
        self.prepare("s", "SELECT 1 FROM gone")
        #expect(self.stage.bind("s") == .renamed)
        #expect(self.stage.query("EXECUTE s") == .hold)
        #expect(self.stage.clientGot == "2")
        _ = self.stage.serverGot
        self.stage.server.hasLostTables = true
        #expect(self.stage.query("EXECUTE s") == .hold)
        #expect(self.stage.clientGot == "")
        #expect(self.stage.query("EXECUTE s") == .hold)
        #expect(self.stage.clientGot == "")
        guard case .refuse(let fields) = self.stage.query("EXECUTE s") else {
            return #expect(Bool(false), "not refused")
        }
        #expect(fields.sqlState.code == "42P01")
        #expect(self.stage.clientGot == "refused[42P01] Z")
        #expect(self.stage.serverGot == "C(s) P(s) H S Q(refused)")
        #expect(self.stage.isSettled)
    }

    @Test func `an EXECUTE that was bound does not find what its client has closed since`() {
        self.prepare("s", "SELECT 1")
        _ = self.stage.query("BEGIN")
        _ = self.stage.parse("", "EXECUTE s")
        #expect(self.stage.bind("") == .pass)
        self.stage.sync()
        #expect(self.stage.clientGot == "C Z 1 2 Z")
        #expect(self.stage.close("s") == .answered)
        self.stage.executeCommand()
        self.stage.sync()
        #expect(self.stage.clientGot == "3 E[26000] Z")
    }

    @Test func `and finds what its client has prepared since`() {
        self.prepare("s", "fail")
        _ = self.stage.query("BEGIN")
        _ = self.stage.parse("", "EXECUTE s")
        #expect(self.stage.bind("") == .pass)
        self.stage.sync()
        #expect(self.stage.clientGot == "C Z 1 2 Z")
        _ = self.stage.close("s")
        _ = self.stage.parse("s", "SELECT 2")
        self.stage.executeCommand()
        self.stage.sync()
        #expect(self.stage.clientGot == "3 1 C Z")
    }

    @Test func `also where there was nothing when it was bound`() {
        _ = self.stage.query("BEGIN")
        _ = self.stage.parse("", "EXECUTE s")
        #expect(self.stage.bind("") == .pass)
        _ = self.stage.parse("s", "SELECT 1")
        self.stage.executeCommand()
        self.stage.sync()
        #expect(self.stage.clientGot == "C Z 1 2 1 C Z")
        // The next client does not find it.
        _ = self.stage.query("ROLLBACK")
        #expect(self.stage.clientGot == "C Z")
        #expect(self.stage.nextRecovery == .deallocate)
    }

    @Test func `a DEALLOCATE that was not run takes no other's name`() {
        self.prepare("a", "SELECT 1")
        self.prepare("b", "SELECT 2")
        _ = self.stage.query("BEGIN")
        _ = self.stage.parse("", "DEALLOCATE a")
        _ = self.stage.bind("")
        _ = self.stage.bind("missing")
        self.stage.executeCommand()
        self.stage.sync()
        _ = self.stage.query("ROLLBACK")
        #expect(self.stage.clientGot == "C Z 1 2 E[26000] Z C Z")
        _ = self.stage.query("DEALLOCATE b")
        #expect(self.stage.clientGot == "")
        _ = self.stage.query("DEALLOCATE b")
        #expect(self.stage.clientGot == "C Z")
        #expect(self.stage.bind("a") == .renamed)
        #expect(self.stage.bind("b") == .pass)
    }

    @Test func `a name that was made real for nothing does not stay for the next client`() {
        self.prepare("a", "SELECT 1")
        self.prepare("b", "SELECT 2")
        _ = self.stage.parse("", "DEALLOCATE a")
        _ = self.stage.bind("")
        self.stage.sync()
        _ = self.stage.parse("", "DEALLOCATE b")
        _ = self.stage.bind("")
        self.stage.executeCommand()
        self.stage.sync()
        #expect(self.stage.clientGot == "1 2 Z 1 2 C Z")
        #expect(self.stage.server.statements["a"] != nil)
        #expect(self.stage.nextRecovery == .deallocate)
    }
}
