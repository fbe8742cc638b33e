import Pooling
import Testing

@testable import Fleet

extension EtcdTests {
    struct FaultTests {
        @Test func `nothing is to be had before it is connected, and that is said once`()
            async throws
        {
            let fleet = EtcdMemberOfTest.Fleet(try EtcdServer.shared())
            let member = try EtcdMemberOfTest(1, of: fleet)
            member.ledger.perform(.readBoard)
            member.ledger.perform(.readBoard)
            try await member.connect()
            #expect(member.events.all { $0.lostText } == ["etcd: not connected"])
        }

        @Test func `the lease is renewed, and counts from before it was asked for`() async throws {
            let fleet = EtcdMemberOfTest.Fleet(try EtcdServer.shared())
            let before = BootClock.now
            let member = try await EtcdMemberOfTest.connected(1, of: fleet)
            await OwnThread.sleep(milliseconds: 2_600)
            let renewals = member.events.all { $0.renewedAt }
            #expect(renewals.count >= 4)
            #expect(renewals.count <= 8)
            #expect(renewals == renewals.sorted())
            #expect(try #require(renewals.first) >= before)
            #expect(member.events.all { $0.lostText }.isEmpty)
            // It comes after the connection.
            let isBackFirst = member.events.all {
                $0.isBack || $0.renewedAt != nil ? $0.isBack : nil
            }
            #expect(isBackFirst.first == true)
        }

        @Test func `a lease that is taken away is lost, and the next is another`() async throws {
            let server = try EtcdServer.shared()
            let fleet = EtcdMemberOfTest.Fleet(server)
            let member = try await EtcdMemberOfTest.connected(1, of: fleet)
            member.publish(held: 1)
            member.enter(1)
            try await member.waitForGate(1)
            let key = try #require(try server.keys(fleet.prefix + "gate/").first)
            let lease = try #require(key.split(separator: "/").last)
            try server.control("lease", "revoke", "\(lease)")
            #expect(try await member.waitForLoss() == "etcd: the lease has ended")
            try await member.connect()
            #expect(try await member.board().entries.isEmpty)
            member.publish(held: 1)
            #expect(try await member.board().entries.count == 1)
            member.enter(2)
            try await member.waitForGate(2)
            #expect(try server.keys(fleet.prefix + "gate/") != [key])
        }

        @Test func `writing under a lease that is gone is a loss too`() async throws {
            let server = try EtcdServer.shared()
            var fleet = EtcdMemberOfTest.Fleet(server)
            fleet.lease = 20_000_000_000
            let member = try await EtcdMemberOfTest.connected(1, of: fleet)
            member.enter(1)
            try await member.waitForGate(1)
            let key = try #require(try server.keys(fleet.prefix + "gate/").first)
            try server.control("lease", "revoke", "\(try #require(key.split(separator: "/").last))")
            member.publish(held: 1)
            #expect(try await member.waitForLoss().contains("lease not found"))
        }

        @Test func `an endpoint that nobody listens on is passed over`() async throws {
            let server = try EtcdServer.shared()
            let closed = "http://127.0.0.1:\(try TestPorts.next())"
            let settings = EtcdSettings(endpoints: [closed + "/"] + server.endpoints)
            let fleet = EtcdMemberOfTest.Fleet(settings)
            let first = try await EtcdMemberOfTest.connected(1, of: fleet)
            let second = try await EtcdMemberOfTest.connected(2, of: fleet)
            first.publish(held: 1, wakes: true)
            try await second.events.wait("wake-up") { $0.isWoken ? true : nil }
            #expect(first.events.all { $0.lostText }.isEmpty)
        }

        @Test func `nobody there is a loss that names every endpoint`() async throws {
            let ports = [try TestPorts.next(), try TestPorts.next()]
            let endpoints = ports.map { "http://127.0.0.1:\($0)" }
            let fleet = EtcdMemberOfTest.Fleet(EtcdSettings(endpoints: endpoints))
            let member = try EtcdMemberOfTest(1, of: fleet)
            member.ledger.perform(.reconnect)
            let text = try await member.waitForLoss()
            for endpoint in endpoints { #expect(text.contains("etcd at \(endpoint): ")) }
            #expect(text.lowercased().contains("refused"))
        }

        @Test func `settings that cannot be used are said`() {
            #expect(throws: EtcdError.unusable("etcd: no endpoint is set")) {
                try EtcdClient(EtcdSettings(endpoints: []))
            }
            #expect(throws: EtcdError.self) {
                try EtcdClient(EtcdSettings(endpoints: ["127.0.0.1:2379"]))
            }
            #expect(throws: EtcdError.self) {
                let endpoints = ["https://127.0.0.1:2379"]
                return try EtcdClient(EtcdSettings(endpoints: endpoints, caFile: "/nowhere.pem"))
            }
        }

        @Test func `stopping takes no longer than a second, also where nobody answers`()
            async throws
        {
            let server = try EtcdServer()
            let fleet = EtcdMemberOfTest.Fleet(server)
            let member = try await EtcdMemberOfTest.connected(1, of: fleet)
            server.stop()
            let before = BootClock.now
            member.ledger.stop()
            #expect(BootClock.now - before < 1_500_000_000)
            #expect(member.events.all { $0.lostText }.isEmpty)
        }
    }
}
