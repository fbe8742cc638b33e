import Pooling
import TestSupport
import Testing
import Wire

/// A server's session goes to another worker, where other clients have the same numbers.
struct ServerSessionMoveTests {
    private let ann = ClientID(index: 1, generation: 1)
    private let bob = ClientID(index: 2, generation: 1)

    private func prepared(by client: ClientID) -> Transcript<ServerSession> {
        let server = Transcript(ServerSession())
        server.value.parseSent(by: client, named: false)
        server.sent(.parse, .sync)
        server.receivedAll(.parseComplete, .readyForQuery)
        return server
    }

    @Test func `the unnamed statement is a stranger's to everybody there`() {
        let server = self.prepared(by: self.ann)
        #expect(!server.value.holdsForeignUnnamed(for: self.ann))
        let moved = server.value.leavingWorker()
        #expect(moved.holdsForeignUnnamed(for: self.ann))
        #expect(moved.holdsForeignUnnamed(for: self.bob))
        #expect(moved.mustCloseUnnamed(before: .bind, named: false, by: self.ann))
    }

    @Test func `a session without an unnamed statement has none there either`() {
        let moved = ServerSession().leavingWorker()
        #expect(!moved.holdsForeignUnnamed(for: self.ann))
        #expect(moved == ServerSession())
    }

    @Test func `once closed it is nobody's`() {
        var moved = self.prepared(by: self.ann).value.leavingWorker()
        moved.sent(.close, for: .pooler)
        moved.unnamedClosed()
        #expect(!moved.holdsForeignUnnamed(for: self.ann))
        #expect(!moved.holdsForeignUnnamed(for: self.bob))
    }

    @Test func `a Parse that fails there leaves the stranger's statement a stranger's`() {
        let server = Transcript(self.prepared(by: self.ann).value.leavingWorker())
        // In a batch that fails before its Parse is read: PostgreSQL keeps the old statement.
        server.sent(.execute)
        server.value.parseSent(by: self.bob, named: false)
        server.sent(.parse, .sync)
        #expect(server.received(.error) == .forwardError)
        server.receivedAll(.readyForQuery)
        #expect(server.value.holdsForeignUnnamed(for: self.bob))
        #expect(server.value.holdsForeignUnnamed(for: self.ann))
    }

    @Test func `nothing else about it changes`() {
        let server = self.prepared(by: self.ann)
        server.value.parseSent(by: self.ann, named: true)
        server.sent(.parse, .sync)
        server.receivedAll(.parseComplete, .readyForQuery)
        server.value.needsReset = true
        let moved = server.value.leavingWorker()
        #expect(moved.nextRecovery() == server.value.nextRecovery())
        #expect(moved.needsReset && moved.isAtRest && moved.leavingWorker() == moved)
    }
}
