import Locking
import Pooling
import Testing

@testable import Fleet

extension EtcdTests {
    struct GateTests {
        @Test func `who asks first is first, and waiting holds up nothing`() async throws {
            let fleet = EtcdMemberOfTest.Fleet(try EtcdServer.shared())
            var members: [EtcdMemberOfTest] = []
            for number in 1...3 {
                members.append(try await EtcdMemberOfTest.connected(UInt64(number), of: fleet))
            }
            for member in members {
                member.enter(7)
                member.publish(held: Int(member.number))
                let board = try await member.board()
                #expect(board.entries.count == Int(member.number))
                #expect(board.gate == GatePass(member: 1, number: 7))
            }
            try await members[0].waitForGate(7)
            #expect(members[1].events.all { $0.enteredPass }.isEmpty)
            members[0].ledger.perform(.leaveGate)
            try await members[1].waitForGate(7)
            #expect(members[2].events.all { $0.enteredPass }.isEmpty)
            members[1].ledger.perform(.leaveGate)
            try await members[2].waitForGate(7)
        }

        @Test func `who gives up its place is passed over`() async throws {
            let fleet = EtcdMemberOfTest.Fleet(try EtcdServer.shared())
            let first = try await EtcdMemberOfTest.connected(1, of: fleet)
            let second = try await EtcdMemberOfTest.connected(2, of: fleet)
            let third = try await EtcdMemberOfTest.connected(3, of: fleet)
            for member in [first, second, third] {
                member.enter(1)
                _ = try await member.board()
            }
            second.ledger.perform(.leaveGate)
            _ = try await second.board()
            first.ledger.perform(.leaveGate)
            try await third.waitForGate(1)
            #expect(second.events.all { $0.enteredPass }.isEmpty)
        }

        @Test func `one at a time`() async throws {
            let fleet = EtcdMemberOfTest.Fleet(try EtcdServer.shared())
            let inside = Locked((now: 0, most: 0, passes: 0))
            try await withThrowingTaskGroup { group in
                for number in 1...3 {
                    group.addTask {
                        let member = try await EtcdMemberOfTest.connected(UInt64(number), of: fleet)
                        for pass in 1...10 {
                            member.enter(UInt32(pass))
                            try await member.waitForGate(UInt32(pass))
                            inside.withLock { inside in
                                inside.now += 1
                                inside.most = max(inside.most, inside.now)
                                inside.passes += 1
                            }
                            await OwnThread.sleep(milliseconds: 3)
                            inside.withLock { $0.now -= 1 }
                            member.ledger.perform(.leaveGate)
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(inside.withLock { $0.most } == 1)
            #expect(inside.withLock { $0.passes } == 30)
        }

        @Test func `a dead holder's gate is free when its lease has ended, and not before`()
            async throws
        {
            let server = try EtcdServer.shared()
            let fleet = EtcdMemberOfTest.Fleet(server)
            let begun = BootClock.now
            let lease = try server.control("lease", "grant", "2").split(separator: " ")[1]
            try server.control("put", "--lease", "\(lease)", fleet.prefix + "gate/dead", "{}")
            let member = try await EtcdMemberOfTest.connected(1, of: fleet)
            member.enter(1)
            let entered = try await member.waitForGate(1)
            #expect(entered - begun >= 2_000_000_000)
        }

        @Test func `who stops inside leaves the board at once and the gate with its lease`()
            async throws
        {
            let server = try EtcdServer.shared()
            let fleet = EtcdMemberOfTest.Fleet(server)
            let first = try await EtcdMemberOfTest.connected(1, of: fleet)
            first.publish(held: 1)
            first.enter(1)
            try await first.waitForGate(1)
            let renewed = try #require(first.events.all { $0.renewedAt }.last)
            first.ledger.stop()
            #expect(try server.keys(fleet.board + "members/").isEmpty)
            let second = try await EtcdMemberOfTest.connected(2, of: fleet)
            second.enter(1)
            #expect(try await second.waitForGate(1) - renewed >= 2_000_000_000)
        }

        @Test func `a count has list and board`() async throws {
            let fleet = EtcdMemberOfTest.Fleet(try EtcdServer.shared())
            let member = try await EtcdMemberOfTest.connected(1, of: fleet)
            member.own.withLock { $0 = [5, 6] }
            member.publish(held: 2)
            fleet.sessions.state.withLock { $0.sessions = 5 }
            member.enter(1)
            try await member.waitForGate(1)
            let before = BootClock.now
            member.ledger.perform(.count)
            let (count, sentAt) = try await member.events.wait("count") { event in
                if case .counted(let count, let sentAt) = event { (count, sentAt) } else { nil }
            }.found
            #expect(count.sessions == 5)
            #expect(count.ownListed == 2)
            #expect(count.deaths == nil)
            #expect(!count.isOtherInGate)
            #expect(count.board.orphans == 3)
            #expect(count.board.gate == GatePass(member: 1, number: 1))
            #expect(sentAt >= before)
            #expect(sentAt <= BootClock.now)
        }

        @Test func `a list that cannot be read is said`() async throws {
            let fleet = EtcdMemberOfTest.Fleet(try EtcdServer.shared())
            let member = try await EtcdMemberOfTest.connected(1, of: fleet)
            fleet.sessions.state.withLock { $0.failure = "no server" }
            member.enter(1)
            try await member.waitForGate(1)
            member.ledger.perform(.count)
            let text = try await member.events.wait("failure") { event in
                if case .countFailed(let text) = event { text } else { nil }
            }.found
            #expect(text == "PostgreSQL's list of sessions: no server")
            member.ledger.perform(.leaveGate)
            #expect(try await member.board().gate == nil)
        }

        @Test func `a place that somebody deletes is lost, though the lease is there`()
            async throws
        {
            let server = try EtcdServer.shared()
            let fleet = EtcdMemberOfTest.Fleet(server)
            let member = try await EtcdMemberOfTest.connected(1, of: fleet)
            // Found by a count, and found with nothing to do.
            for pass in 1...2 {
                member.enter(UInt32(pass))
                try await member.waitForGate(UInt32(pass))
                let start = member.events.count
                try server.control("del", "--prefix", fleet.prefix + "gate/")
                if pass == 1 { member.ledger.perform(.count) }
                try await member.events.wait("loss of the gate", from: start) { event in
                    event.isGateLost ? true : nil
                }
            }
            #expect(member.events.all { $0.lostText }.isEmpty)
            #expect(member.events.all { $0.isGateLost ? true : nil }.count == 2)
        }
    }
}
