import Foundation
import Locking
import Pooling
import Testing

@testable import Fleet

extension EtcdTests {
    /// A member that neither has nor wants anything costs etcd next to nothing.
    struct RestTests {
        private let server: EtcdServer
        private let fleet: EtcdMemberOfTest.Fleet

        init() throws {
            self.server = try EtcdServer.shared()
            var fleet = EtcdMemberOfTest.Fleet(self.server)
            fleet.restless = 200_000_000
            fleet.fence = .terminate(after: 1_000_000_000)
            self.fleet = fleet
        }

        /// The length of the one lease that the member has; nil while there is none, or two.
        private func leaseLength(_ member: EtcdMemberOfTest) throws -> Int? {
            let key = self.fleet.board + "members/" + EtcdKeys.name(of: member.number)
            let found = try server.control("get", key, "-w", "json")
            guard let start = found.range(of: "\"lease\":")?.upperBound,
                let lease = Int64(found[start...].prefix { $0.isNumber })
            else { return nil }
            let told = try server.control("lease", "timetolive", String(lease, radix: 16))
            guard let start = told.range(of: "TTL(")?.upperBound else { return nil }
            return Int(told[start...].prefix { $0.isNumber })
        }

        private func waitForLease(of seconds: Int, _ member: EtcdMemberOfTest) async throws {
            let end = BootClock.now + 10_000_000_000
            while try self.leaseLength(member) != seconds {
                guard BootClock.now < end else {
                    throw TestFailure("no lease of \(seconds) s for \(member.number)")
                }
                await OwnThread.sleep(milliseconds: 20)
            }
        }

        @Test func `who has and wants nothing rests until it does`() async throws {
            let member = try await EtcdMemberOfTest.connected(1, of: self.fleet)
            let other = try await EtcdMemberOfTest.connected(2, of: self.fleet)
            other.publish(held: 1)
            member.publish(held: 0)
            try await self.waitForLease(of: 120, member)
            #expect(try await other.board().entries.count == 2)
            #expect(try self.leaseLength(other) == 2)
            // Who wants something, or has it, is missed soon when it is gone.
            member.publish(held: 0, waiting: 1)
            _ = try await member.board()
            #expect(try self.leaseLength(member) == 2)
            #expect(try await other.board().entries.count == 2)
            member.publish(held: 0)
            try await self.waitForLease(of: 120, member)
            member.own.withLock { $0 = [7] }
            member.publish(held: 1)
            _ = try await member.board()
            #expect(try self.leaseLength(member) == 2)
            #expect(!member.isLost)
        }

        @Test func `who goes to the gate has a lease that soon ends with it`() async throws {
            let member = try await EtcdMemberOfTest.connected(1, of: self.fleet)
            member.publish(held: 0)
            try await self.waitForLease(of: 120, member)
            let start = member.events.count
            let begun = BootClock.now
            member.enter(1)
            try await member.waitForGate(1)
            let renewed = member.events.all(from: start) { $0.renewedAt }
            #expect(renewed.first.map { $0 >= begun } == true)
            #expect(try self.leaseLength(member) == 2)
            // Nobody rests in the gate.
            await OwnThread.sleep(milliseconds: 1_500)
            #expect(try self.leaseLength(member) == 2)
            member.ledger.perform(.leaveGate)
            try await self.waitForLease(of: 120, member)
            #expect(!member.isLost)
        }

        @Test func `who is woken up hears who wakes`() async throws {
            let member = try await EtcdMemberOfTest.connected(1, of: self.fleet)
            let other = try await EtcdMemberOfTest.connected(2, of: self.fleet)
            member.publish(held: 0)
            try await self.waitForLease(of: 120, member)
            member.publish(held: 1)
            _ = try await member.board()
            other.publish(held: 1, wakes: true)
            try await member.events.wait("wake-up") { $0.isWoken ? true : nil }
        }

        @Test func `who takes leave at rest is off the board`() async throws {
            let member = try await EtcdMemberOfTest.connected(1, of: self.fleet)
            member.publish(held: 0)
            try await self.waitForLease(of: 120, member)
            member.ledger.stop()
            #expect(try self.server.keys(self.fleet.board).isEmpty)
        }

        @Test func `one after the other asks who the server is`() async throws {
            let fleet = self.fleet
            try await withThrowingTaskGroup { group in
                for number in 1...8 {
                    group.addTask {
                        _ = try await EtcdMemberOfTest.connected(UInt64(number), of: fleet)
                    }
                }
                try await group.waitForAll()
            }
            #expect(fleet.sessions.state.withLock { $0.mostAsking } == 1)
            // Whom the server does not answer is not in the way of others.
            fleet.sessions.state.withLock { $0.failure = "no server" }
            let refused = try EtcdMemberOfTest(9, of: fleet)
            refused.ledger.perform(.reconnect)
            #expect(try await refused.waitForLoss().hasSuffix("which server it is: no server"))
            #expect(try self.server.keys("/weir/\(fleet.name)/at/").isEmpty)
        }
    }
}
