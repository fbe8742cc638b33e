import Testing

@testable import Reactor

extension ReactorSuite {
    @Suite struct EngineChoiceTests {
        @Test func `automatic takes io_uring here`() throws {
            let loop = try EventLoop(engine: .automatic)
            #expect(loop.engine == .ioUring, "io_uring was refused: \(loop.fallbackReason ?? "?")")
            #expect(loop.fallbackReason == nil)
        }

        @Test func `the cause of a fallback is named`() {
            #expect(IOUringSetup.reason(for: 1).contains("forbidden"))
            #expect(IOUringSetup.reason(for: 38).contains("forbidden"))
            #expect(IOUringSetup.reason(for: 22).contains("too old"))
            #expect(IOUringSetup.reason(for: 12).contains("out of memory"))
        }

        @Test func `names are those of the settings`() {
            #expect(EventEngine(rawValue: "auto") == .automatic)
            #expect(EventEngine(rawValue: "io_uring") == .ioUring)
            #expect(EventEngine(rawValue: "epoll") == .epoll)
        }

        @Test func `nonsense limits are corrected`() {
            var limits = ReactorLimits()
            limits.receiveBufferCount = 100
            limits.receiveBufferSize = 1
            limits.largeBufferSize = 5000
            limits.largeBufferCount = 3
            limits.heldLargeBuffersPerLoop = 100
            limits.lowWater = 1 << 30
            limits.heldBuffersPerLoop = 1 << 30
            limits.submissionEntries = 100_000
            let corrected = limits.corrected
            #expect(corrected.receiveBufferCount == 128)
            #expect(corrected.receiveBufferSize == 512)
            #expect(corrected.largeBufferSize == 8192)
            #expect(corrected.largeBufferCount == 4)
            #expect(corrected.heldLargeBuffersPerLoop == 2)
            #expect(corrected.lowWater == corrected.highWater)
            #expect(corrected.heldBuffersPerLoop == 64)
            #expect(corrected.submissionEntries == 512)
            #expect(ReactorLimits().corrected == ReactorLimits())
        }

        @Test func `the descriptor limit is raised and never lowered`() {
            let before = DescriptorLimit.current
            let raised = DescriptorLimit.raise(to: 1)
            #expect(raised == before)
            #expect(DescriptorLimit.raise(to: before.soft) == before)
            #expect(before.soft <= before.hard)
        }
    }
}
