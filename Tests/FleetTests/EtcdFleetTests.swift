import Pooling
import Testing

@testable import Fleet

extension EtcdTests {
    /// Members that decide, with this engine.
    struct FleetTests {
        @Test func `slots are where the work is, and never too many`() async throws {
            let server = try EtcdServer.shared()
            let fleet = EtcdMemberOfTest.Fleet(server)
            let list = SimulatedSessions()
            let processes = (1...3).map { SimulatedProcess($0, of: fleet, at: list) }
            defer { for process in processes { process.stop() } }
            func settle(_ demands: [Int], _ wanted: [ClosedRange<Int>]) async throws {
                for (process, demand) in zip(processes, demands) { process.want(demand) }
                let end = BootClock.now + 10_000_000_000
                while BootClock.now < end {
                    for process in processes { process.step() }
                    let held = processes.map(\.held)
                    if zip(wanted, held).allSatisfy({ $0.contains($1) }) { return }
                    await OwnThread.sleep(milliseconds: 5)
                }
                throw TestFailure("\(processes.map(\.held)) for \(demands)")
            }
            try await settle([12, 0, 0], [10...10, 0...0, 0...0])
            try await settle([12, 12, 0], [5...5, 5...5, 0...0])
            try await settle([0, 12, 12], [0...0, 5...5, 5...5])
            // Everybody's lease is taken away; what they have they keep, and go on with.
            for lease in try server.control("lease", "list").split(separator: "\n").dropFirst() {
                _ = try? server.control("lease", "revoke", "\(lease)")
            }
            try await settle([12, 12, 12], [3...4, 3...4, 3...4])
            #expect(list.most == 10)
        }
    }
}
