import Reactor
import Testing

extension ReactorSuite {
    @Suite struct WrongThreadTests {
        /// Our own mistake, so it ends the process instead of spinning for ever.
        @Test func `an io_uring loop on another thread than its own is stopped`() async throws {
            let result = await #expect(
                processExitsWith: .failure,
                observing: [\.standardErrorContent]
            ) {
                try ReactorSuite.WrongThreadTests.turnElsewhere()
            }
            let said = String(decoding: try #require(result).standardErrorContent, as: UTF8.self)
            #expect(said.contains("another thread"))
        }

        static func turnElsewhere() throws {
            nonisolated(unsafe) let loop = try EventLoop(engine: .ioUring)
            let threads = try HelperThreads(count: 1)
            let done = SharedCounter()
            _ = threads.submit {
                _ = unsafe loop.turn(until: EventLoop.clock() + 1_000_000)
                done.add(1)
            }
            try done.wait(for: 1)
        }
    }
}
