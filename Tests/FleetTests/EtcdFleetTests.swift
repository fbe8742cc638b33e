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
            try await self.settle(processes, [12, 0, 0], [10...10, 0...0, 0...0])
            try await self.settle(processes, [12, 12, 0], [5...5, 5...5, 0...0])
            try await self.settle(processes, [0, 12, 12], [0...0, 5...5, 5...5])
            // Everybody's lease is taken away; what they have they keep, and go on with.
            for lease in try server.control("lease", "list").split(separator: "\n").dropFirst() {
                _ = try? server.control("lease", "revoke", "\(lease)")
            }
            try await self.settle(processes, [12, 12, 12], [3...4, 3...4, 3...4])
            #expect(list.most == 10)
        }

        @Test func `sessions without a process stay, or are ended where that is wanted`()
            async throws
        {
            for isTerminating in [false, true] {
                var fleet = EtcdMemberOfTest.Fleet(try EtcdServer.shared())
                if isTerminating { fleet.fence = .terminate(after: 1_000_000_000) }
                let list = SimulatedSessions()
                let first = SimulatedProcess(1, of: fleet, at: list)
                let second = SimulatedProcess(2, of: fleet, at: list)
                defer { second.stop() }
                try await self.settle([first, second], [7, 3], [7...7, 3...3])
                first.end()
                let begun = BootClock.now
                if isTerminating {
                    try await self.settle([second], [10], [10...10])
                    #expect(BootClock.now - begun >= 1_000_000_000)
                } else {
                    await #expect(throws: TestFailure.self) {
                        try await self.settle([second], [10], [4...10], seconds: 2)
                    }
                    #expect(list.count == 10)
                    for session in first.sessions.prefix(4) { list.close(session) }
                    try await self.settle([second], [10], [7...7])
                }
                #expect(list.most == 10)
            }
        }

        /// Lets time pass until the processes have what they are to have.
        private func settle(
            _ processes: [SimulatedProcess],
            _ demands: [Int],
            _ wanted: [ClosedRange<Int>],
            seconds: Int = 10
        ) async throws {
            for (process, demand) in zip(processes, demands) { process.want(demand) }
            let end = BootClock.now + Int64(seconds) * 1_000_000_000
            while BootClock.now < end {
                for process in processes { process.step() }
                let held = processes.map(\.held)
                if zip(wanted, held).allSatisfy({ $0.contains($1) }) { return }
                await OwnThread.sleep(milliseconds: 5)
            }
            throw TestFailure("\(processes.map(\.held)) for \(demands)")
        }
    }
}
