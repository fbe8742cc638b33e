import Locking
import Pooling
import Testing

@testable import Fleet

extension EtcdTests {
    struct BoardTests {
        @Test func `a member sees what others say`() async throws {
            let fleet = EtcdMemberOfTest.Fleet(try EtcdServer.shared())
            let first = try await EtcdMemberOfTest.connected(1, of: fleet, budget: 20)
            let second = try await EtcdMemberOfTest.connected(2, of: fleet, budget: 12)
            #expect(try await first.board().entries.isEmpty)
            var entry = BoardEntry(member: 2, weight: 3, minimum: 4)
            entry.held = 5
            entry.ending = 1
            entry.used = 2
            entry.waiting = 6
            entry.oldestWait = 7_000_000
            second.ledger.perform(.publish(entry, wakes: false))
            _ = try await second.board()
            let before = BootClock.now
            let board = try await first.board()
            #expect(board.entries == [entry])
            #expect(board.budget == 12)
            #expect(board.gate == nil)
            #expect(try await second.board().budget == 12)
            let row = try #require(first.ledger.rows.first)
            #expect(row.entry == entry)
            #expect(row.node == "node-2")
            #expect(row.address == "10.0.0.2:6432")
            #expect(row.version == "1.0")
            #expect(try #require(row.lastSeen) >= before)
        }

        @Test func `people see the board as it is`() async throws {
            let fleet = EtcdMemberOfTest.Fleet(try EtcdServer.shared())
            let first = try await EtcdMemberOfTest.connected(1, of: fleet)
            let second = try await EtcdMemberOfTest.connected(2, of: fleet)
            second.publish(held: 6)
            _ = try await second.board()
            await withCheckedContinuation { waiting in
                first.ledger.refresh { waiting.resume() }
            }
            #expect(first.ledger.rows.map(\.entry.held) == [6])
            first.ledger.stop()
            await withCheckedContinuation { waiting in
                first.ledger.refresh { waiting.resume() }
            }
        }

        @Test func `an operator reads gate and board`() async throws {
            let server = try EtcdServer.shared()
            let fleet = EtcdMemberOfTest.Fleet(server)
            let member = try await EtcdMemberOfTest.connected(0xabc, of: fleet)
            member.publish(held: 3, waiting: 1, wakes: true)
            member.enter(1)
            try await member.waitForGate(1)
            let text = try server.control("get", "--prefix", fleet.prefix)
            let lines = text.split(separator: "\n")
            #expect(lines.count == 6)
            #expect(lines[0] == fleet.board + "members/000000000abc")
            #expect(
                lines[1] == """
                    {"address":"10.0.0.2748:6432","budget":20,"ending":0,"held":3,\
                    "member":"000000000abc","minimum":1,"node":"node-2748","oldestWait":0,\
                    "used":0,"version":"1.0","waiting":1,"weight":1}
                    """
            )
            #expect(lines[2] == fleet.board + "wake")
            #expect(lines[3] == "000000000abc")
            #expect(lines[4].hasPrefix(fleet.prefix + "gate/"))
            #expect(lines[5] == #"{"member":"000000000abc","pass":1}"#)
        }

        @Test func `who wakes wakes the others and not itself`() async throws {
            let fleet = EtcdMemberOfTest.Fleet(try EtcdServer.shared())
            let first = try await EtcdMemberOfTest.connected(1, of: fleet)
            let second = try await EtcdMemberOfTest.connected(2, of: fleet)
            first.publish(held: 1)
            _ = try await first.board()
            #expect(second.events.all { $0.isWoken ? true : nil }.isEmpty)
            first.publish(held: 2, wakes: true)
            try await second.events.wait("wake-up") { $0.isWoken ? true : nil }
            second.publish(held: 2, wakes: true)
            try await first.events.wait("wake-up") { $0.isWoken ? true : nil }
            #expect(second.events.all { $0.isWoken ? true : nil }.count == 1)
        }

        @Test func `who takes leave is off the board`() async throws {
            let server = try EtcdServer.shared()
            let fleet = EtcdMemberOfTest.Fleet(server)
            let first = try await EtcdMemberOfTest.connected(1, of: fleet)
            let second = try await EtcdMemberOfTest.connected(2, of: fleet)
            let third = try await EtcdMemberOfTest.connected(3, of: fleet)
            for member in [first, second, third] { member.publish(held: 1) }
            _ = try await second.board()
            _ = try await third.board()
            first.ledger.perform(.goodbye)
            second.ledger.stop()
            for _ in 0..<100 where try await third.board().entries.count > 1 {
                await OwnThread.sleep(milliseconds: 20)
            }
            #expect(try await third.board().entries.map(\.member) == [3])
            #expect(first.events.all { $0.lostText }.isEmpty)
            #expect(second.events.all { $0.lostText }.isEmpty)
        }

        @Test func `who is taken off the board comes back`() async throws {
            let server = try EtcdServer.shared()
            let fleet = EtcdMemberOfTest.Fleet(server)
            let member = try await EtcdMemberOfTest.connected(1, of: fleet)
            member.publish(held: 7)
            #expect(try await member.board().entries.count == 1)
            try server.control("del", "--prefix", fleet.board + "members/")
            #expect(try await member.board().entries.isEmpty)
            #expect(try await member.board().entries.map(\.held) == [7])
        }

        @Test func `what is not a member's is passed over`() async throws {
            let server = try EtcdServer.shared()
            let fleet = EtcdMemberOfTest.Fleet(server)
            let member = try await EtcdMemberOfTest.connected(1, of: fleet)
            try server.control("put", fleet.board + "members/other", "?")
            member.publish(held: 1)
            #expect(try await member.board().entries.map(\.member) == [1])
        }

        @Test func `sessions that nobody claims are ended`() async throws {
            let server = try EtcdServer.shared()
            var fleet = EtcdMemberOfTest.Fleet(server)
            fleet.fence = .terminate(after: 1)
            let first = try await EtcdMemberOfTest.connected(1, of: fleet)
            let second = try EtcdMemberOfTest(2, of: fleet)
            second.own.withLock { $0 = [22, 21] }
            try await second.connect()
            first.own.withLock { $0 = [11] }
            first.publish(held: 1)
            second.publish(held: 2)
            _ = try await second.board()
            first.ledger.perform(.terminateOrphans)
            _ = try await first.board()
            #expect(fleet.sessions.state.withLock { $0.claimed }?.sorted() == [11, 11, 21, 22])
            // One that has opened something says so before others get the gate.
            second.enter(1)
            try await second.waitForGate(1)
            second.own.withLock { $0 = [21, 22, 23] }
            second.ledger.perform(.leaveGate)
            _ = try await second.board()
            first.ledger.perform(.terminateOrphans)
            _ = try await first.board()
            let claimed = fleet.sessions.state.withLock { $0.claimed }
            #expect(claimed?.sorted() == [11, 11, 21, 22, 23])
        }

        @Test func `orphans that were counted are on the board for a while`()
            async throws
        {
            let fleet = EtcdMemberOfTest.Fleet(try EtcdServer.shared())
            let member = try await EtcdMemberOfTest.connected(1, of: fleet)
            let other = try await EtcdMemberOfTest.connected(2, of: fleet)
            #expect(member.ledger.serverVersion == 150_018)
            fleet.sessions.state.withLock { $0.sessions = 5 }
            member.publish(held: 2)
            #expect(try await member.board().orphans == 0)
            member.enter(1)
            try await member.waitForGate(1)
            member.ledger.perform(.count)
            member.ledger.perform(.leaveGate)
            #expect(try await member.board().orphans == 3)
            #expect(try await other.board().orphans == 3)
            // Nobody has opened anything since: these are some of the five.
            member.publish(held: 4)
            #expect(try await member.board().orphans == 1)
            #expect(try await other.board().orphans == 1)
            // After a while nobody knows, and who waits goes and counts in the gate.
            await OwnThread.sleep(milliseconds: 1_010)
            #expect(try await member.board().orphans == 0)
            #expect(try await other.board().orphans == 0)
            #expect(fleet.sessions.state.withLock { $0.counts } == 1)
            // What one has counted the others need not count.
            other.enter(1)
            try await other.waitForGate(1)
            other.ledger.perform(.count)
            other.ledger.perform(.leaveGate)
            #expect(try await other.board().orphans == 1)
            #expect(try await member.board().orphans == 1)
            // There are none any more.
            fleet.sessions.state.withLock { $0.sessions = 4 }
            member.enter(2)
            try await member.waitForGate(2)
            member.ledger.perform(.count)
            member.ledger.perform(.leaveGate)
            #expect(try await member.board().orphans == 0)
            #expect(try await other.board().orphans == 0)
            #expect(fleet.sessions.state.withLock { $0.counts } == 3)
        }

        @Test func `nothing is ended while a member does not say what is its own`() async throws {
            let server = try EtcdServer.shared()
            var fleet = EtcdMemberOfTest.Fleet(server)
            let waits = try await EtcdMemberOfTest.connected(1, of: fleet)
            fleet.fence = .terminate(after: 1)
            let terminates = try await EtcdMemberOfTest.connected(2, of: fleet)
            waits.publish(held: 1)
            _ = try await waits.board()
            terminates.ledger.perform(.terminateOrphans)
            _ = try await terminates.board()
            #expect(fleet.sessions.state.withLock { $0.claimed } == nil)
            waits.publish(held: 0)
            _ = try await waits.board()
            terminates.ledger.perform(.terminateOrphans)
            _ = try await terminates.board()
            #expect(fleet.sessions.state.withLock { $0.claimed } == [])
        }
    }
}
