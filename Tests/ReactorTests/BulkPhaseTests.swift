import Testing

@testable import Reactor

extension ReactorSuite {
    /// When the loop's thread steps back behind the others.
    @Suite struct BulkPhaseTests {
        private static let window: Int64 = 20_000_000

        /// One window with receives of both sizes; returns the class that the thread has then.
        private static func pass(
            _ phase: inout BulkPhase,
            _ counters: inout ReactorCounters,
            at now: inout Int64,
            receives: Int,
            bulk: Int
        ) -> Int32 {
            counters.receives += receives
            counters.bulkReceives += bulk
            now += Self.window
            phase.look(now: now, &counters)
            return Syscalls.schedulingClass()
        }

        @Test func `a phase follows the share of large receives`() {
            guard Syscalls.schedulingClass() == Syscalls.normalClass else { return }
            let normal = Syscalls.normalClass
            let batch = Syscalls.batchClass
            var phase = BulkPhase(window: Self.window)
            var counters = ReactorCounters()
            var now: Int64 = 1
            for (receives, bulk, expected) in [
                (1_000, 100, normal), (1_000, 332, normal), (1_000, 334, batch),
                // It goes on while a quarter is large, and ends below.
                (1_000, 250, batch), (1_000, 249, normal), (1_000, 250, normal),
                // Few receives say nothing, and a pause ends it.
                (15, 15, normal), (16, 16, batch), (0, 0, normal),
            ] {
                let found = Self.pass(
                    &phase,
                    &counters,
                    at: &now,
                    receives: receives,
                    bulk: bulk
                )
                #expect(found == expected, "\(bulk) of \(receives)")
            }
            #expect(counters.bulkPhases == 2)
        }

        @Test func `within a window nothing changes, and the end restores the class`() {
            guard Syscalls.schedulingClass() == Syscalls.normalClass else { return }
            var phase = BulkPhase(window: Self.window)
            var counters = ReactorCounters()
            var now: Int64 = 1
            _ = Self.pass(&phase, &counters, at: &now, receives: 100, bulk: 100)
            #expect(phase.isActive)
            counters.receives += 100
            phase.look(now: now + Self.window - 1, &counters)
            #expect(phase.isActive)
            phase.end()
            #expect(!phase.isActive)
            #expect(Syscalls.schedulingClass() == Syscalls.normalClass)
        }

        @Test func `a class that an operator has chosen is kept`() {
            guard Syscalls.setSchedulingClass(Syscalls.batchClass) == 0 else { return }
            var phase = BulkPhase(window: Self.window)
            var counters = ReactorCounters()
            var now: Int64 = 1
            _ = Self.pass(&phase, &counters, at: &now, receives: 100, bulk: 100)
            #expect(!phase.isActive)
            phase.end()
            #expect(Syscalls.schedulingClass() == Syscalls.batchClass)
            Syscalls.setSchedulingClass(Syscalls.normalClass)
        }

        @Test(arguments: ReactorSuite.engines)
        func `a loop that streams is in a phase, and leaves the thread as it was`(
            engine: EventEngine
        ) throws {
            guard Syscalls.schedulingClass() == Syscalls.normalClass else { return }
            var limits = ReactorLimits()
            // Long enough that a slow machine receives sixteen times in it.
            limits.bulkWindow = 20_000_000
            do {
                let harness = try LoopHarness(engine, limits)
                harness.onCompletion = { _, completion in
                    if completion.kind == .received { harness.loop.receive(completion.socket) }
                }
                let (socket, peer) = try harness.acceptPeer()
                harness.loop.receive(socket)
                let bytes = [UInt8](repeating: 1, count: 65_536)
                harness.run("a phase begins") {
                    _ = peer.send(bytes)
                    return harness.loop.counters.bulkPhases > 0
                }
                harness.onCompletion = nil
            }
            #expect(Syscalls.schedulingClass() == Syscalls.normalClass)
        }
    }
}
