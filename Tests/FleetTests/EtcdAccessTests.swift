import Foundation
import Pooling
import Testing

@testable import Fleet

extension EtcdTests {
    struct AccessTests {
        @Test func `a user with its password`() async throws {
            let server = try EtcdServer()
            defer { server.stop() }
            try server.control("user", "add", "root:secret")
            try server.control("user", "grant-role", "root", "root")
            try server.control("user", "add", "weir:right")
            try server.control("role", "add", "weir")
            try server.control(
                "role",
                "grant-permission",
                "weir",
                "--prefix=true",
                "readwrite",
                "/weir/"
            )
            try server.control("user", "grant-role", "weir", "weir")
            try server.control("auth", "enable")

            var settings = EtcdSettings(
                endpoints: server.endpoints,
                user: "weir",
                password: "wrong"
            )
            let bad = try EtcdMemberOfTest(1, of: EtcdMemberOfTest.Fleet(settings))
            bad.ledger.perform(.reconnect)
            let badText = try await bad.waitForLoss()
            #expect(badText.contains("authentication failed, invalid user ID or password"))

            settings.user = nil
            let nobody = try EtcdMemberOfTest(1, of: EtcdMemberOfTest.Fleet(settings))
            nobody.ledger.perform(.reconnect)
            nobody.publish(held: 1)
            #expect(try await nobody.waitForLoss().contains("user name is empty"))

            settings.user = "weir"
            settings.password = "right"
            let fleet = EtcdMemberOfTest.Fleet(settings)
            let first = try await EtcdMemberOfTest.connected(1, of: fleet)
            let second = try await EtcdMemberOfTest.connected(2, of: fleet)
            first.publish(held: 1, wakes: true)
            try await second.events.wait("wake-up") { $0.isWoken ? true : nil }
            first.enter(1)
            try await first.waitForGate(1)

            // etcd forgets its tokens when it is started anew.
            server.kill(0)
            try server.start(0)
            let start = first.events.count
            try await first.connectInTheEnd()
            try await second.connectInTheEnd()
            first.publish(held: 2)
            #expect(try await first.board().entries.contains { $0.held == 2 })
            second.publish(held: 2, wakes: true)
            try await first.events.wait("wake-up", from: start) { $0.isWoken ? true : nil }
        }

        @Test func `a token that etcd has forgotten is replaced`() async throws {
            let server = try EtcdServer()
            defer { server.stop() }
            try server.control("user", "add", "root:secret")
            try server.control("user", "grant-role", "root", "root")
            try server.control("auth", "enable")
            let client = try EtcdClient(
                EtcdSettings(endpoints: server.endpoints, user: "root", password: "secret")
            )
            let lease = try #require(try await client.grant(seconds: 60).lease)
            let put = EtcdTransaction([.put("/weir/x", Data("1".utf8), lease: lease.value)])
            _ = try await client.commit(put, isRepeatable: false)
            server.kill(0)
            try server.start(0)
            for _ in 0..<100 {
                if (try? server.control("endpoint", "health", user: "root:secret")) != nil { break }
                await OwnThread.sleep(milliseconds: 50)
            }
            _ = try await client.commit(put, isRepeatable: false)
            // The same when users have changed.
            try server.control("user", "add", "other:secret", user: "root:secret")
            _ = try await client.commit(put, isRepeatable: false)
            await client.shutDown()
        }

        @Test func `an encrypted connection, with certificates on both sides`() async throws {
            let folder = try TestCertificates.make()
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let server = try EtcdServer(
                EtcdServer.Options(certificates: folder, checksClients: true)
            )
            defer { server.stop() }
            var settings = EtcdSettings(endpoints: server.endpoints)
            settings.caFile = "\(folder)/ca.pem"
            settings.certificateFile = "\(folder)/client.pem"
            settings.keyFile = "\(folder)/client-key.pem"
            let fleet = EtcdMemberOfTest.Fleet(settings)
            let first = try await EtcdMemberOfTest.connected(1, of: fleet)
            let second = try await EtcdMemberOfTest.connected(2, of: fleet)
            first.publish(held: 1, wakes: true)
            try await second.events.wait("wake-up") { $0.isWoken ? true : nil }

            settings.caFile = nil
            let trusting = try EtcdMemberOfTest(3, of: EtcdMemberOfTest.Fleet(settings))
            trusting.ledger.perform(.reconnect)
            #expect(try await trusting.waitForLoss().contains("no encryption"))

            settings.caFile = "\(folder)/ca.pem"
            settings.certificateFile = nil
            settings.keyFile = nil
            let stranger = try EtcdMemberOfTest(4, of: EtcdMemberOfTest.Fleet(settings))
            stranger.ledger.perform(.reconnect)
            #expect(try await stranger.waitForLoss().contains("etcd at https://"))
        }
    }
}
