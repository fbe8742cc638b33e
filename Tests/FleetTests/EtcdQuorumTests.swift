import Pooling
import Testing

@testable import Fleet

extension EtcdTests {
    struct QuorumTests {
        /// Waits until wake-ups come, now from another endpoint. Sessions may be lost by that, but
        /// not for long.
        private func waitForWakeUps(
            from second: EtcdMemberOfTest,
            to first: EtcdMemberOfTest,
            _ start: Int
        ) async throws {
            let end = BootClock.now + 20_000_000_000
            while first.events.all(from: start, { $0.isWoken ? true : nil }).isEmpty {
                guard BootClock.now < end else { throw TestFailure("no wake-ups any more") }
                second.publish(held: 2, wakes: true)
                await OwnThread.sleep(milliseconds: 100)
                for member in [first, second] where member.isLost {
                    try await member.connectInTheEnd()
                }
            }
        }

        @Test func `an endpoint that hangs is left`() async throws {
            let server = try EtcdServer(EtcdServer.Options(members: 3))
            defer { server.stop() }
            let fleet = EtcdMemberOfTest.Fleet(server)
            let first = try await EtcdMemberOfTest.connected(1, of: fleet)
            let second = try await EtcdMemberOfTest.connected(2, of: fleet)
            let third = try await EtcdMemberOfTest.connected(3, of: fleet)
            third.enter(1)
            try await third.waitForGate(1)
            first.enter(1)
            _ = try await first.board()
            let start = first.events.count
            server.pause(0, true)
            try await self.waitForWakeUps(from: second, to: first, start)
            // Whatever has become of the gate, it goes from one to the next.
            if third.isLost { try await third.connectInTheEnd() }
            third.ledger.perform(.leaveGate)
            if first.events.all({ $0.lostText }).isEmpty {
                try await first.waitForGate(1)
            } else {
                first.enter(2)
                try await first.waitForGate(2)
            }
            server.pause(0, false)
        }

        @Test func `one of three may be missing, and two may come back`() async throws {
            let server = try EtcdServer(EtcdServer.Options(members: 3))
            defer { server.stop() }
            var fleet = EtcdMemberOfTest.Fleet(server)
            fleet.lease = 5_000_000_000
            let first = try await EtcdMemberOfTest.connected(1, of: fleet)
            let second = try await EtcdMemberOfTest.connected(2, of: fleet)
            first.publish(held: 1)
            second.publish(held: 1)
            #expect(try await second.board().entries.count >= 1)

            // The one that both ask.
            let start = first.events.count
            server.kill(0)
            try await self.waitForWakeUps(from: second, to: first, start)
            #expect(try await first.board().entries.contains { $0.held == 2 })

            let beforeKill = first.events.count
            server.kill(1)
            first.ledger.perform(.readBoard)
            let text = try await first.waitForLoss(from: beforeKill)
            #expect(text.contains("etcd at http"))
            let alone = first.events.count
            first.ledger.perform(.reconnect)
            _ = try await first.waitForLoss(from: alone)

            try server.start(0)
            try await first.connectInTheEnd()
            first.publish(held: 3)
            #expect(try await first.board().entries.contains { $0.member == 1 && $0.held == 3 })
        }
    }
}
