import Pooling
import Testing

@testable import Fleet

extension EtcdTests {
    struct QuorumTests {
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

            // The one that both ask. A session may be lost by that, but not for long, and wake-ups
            // move to another endpoint.
            let start = first.events.count
            server.kill(0)
            let end = BootClock.now + 15_000_000_000
            while first.events.all(from: start, { $0.isWoken ? true : nil }).isEmpty {
                guard BootClock.now < end else { throw TestFailure("no wake-ups any more") }
                second.publish(held: 2, wakes: true)
                await OwnThread.sleep(milliseconds: 100)
                for member in [first, second] where member.isLost {
                    try await member.connectInTheEnd()
                }
            }
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
