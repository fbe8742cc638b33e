import Testing

@testable import Reactor

/// The queue against a model: an array of bytes.
@Suite struct OutputQueueTests {
    struct Model {
        let memory: OutputMemory
        var queue = OutputQueue()
        var bytes: [UInt8] = []
        var settled = 0
        /// Buffers of the turn, with their contents.
        var turn: [(buffer: Int, bytes: [UInt8])] = []
        var next: UInt8 = 0

        init(_ limits: ReactorLimits) throws {
            let buffers = try #require(ReceiveBuffers(limits: limits))
            self.memory = OutputMemory(buffers: buffers, limits: limits)
        }

        mutating func make(_ count: Int) -> [UInt8] {
            (0..<count).map { _ in
                self.next &+= 1
                return self.next
            }
        }

        mutating func receive(_ count: Int) {
            let buffers = self.memory.buffers
            let buffer: Int
            if count > buffers.small.size {
                guard let large = buffers.large.takeReturned() else {
                    return
                }
                buffer = buffers.number(ofLarge: large)
            } else {
                guard let small = buffers.small.takeReturned() else {
                    return
                }
                buffer = small
            }
            let bytes = self.make(count)
            unsafe self.memory.buffers.bytes(buffer)
                .copyMemory(from: bytes, byteCount: count)
            self.memory.buffers.lend(buffer)
            self.turn.append((buffer, bytes))
        }

        mutating func append(_ count: Int) {
            let bytes = self.make(count)
            unsafe bytes.withUnsafeBytes { unsafe self.queue.append($0, self.memory) }
            self.bytes += bytes
        }

        mutating func forward(_ number: Int, _ range: Range<Int>) {
            let (buffer, bytes) = self.turn[number]
            self.queue.forward(buffer, offset: range.lowerBound, count: range.count, self.memory)
            self.bytes += bytes[range]
        }

        mutating func endTurn() {
            self.queue.settle(self.memory)
            self.settled = self.bytes.count
            for (buffer, _) in self.turn {
                // Whoever reads a settled range later reads this if it was not kept.
                self.memory.buffers.release(buffer)
            }
            self.turn = []
        }

        /// The first run that the queue offers.
        func offered() -> [UInt8] {
            unsafe [UInt8](self.queue.firstRun)
        }

        /// Everything that is settled, run by run.
        mutating func drain() -> [UInt8] {
            var bytes: [UInt8] = []
            while true {
                let run = self.offered()
                if run.isEmpty {
                    return bytes
                }
                bytes += run
                self.queue.consume(run.count, self.memory)
            }
        }

        mutating func consume(_ count: Int) {
            self.queue.consume(count, self.memory)
            self.bytes.removeFirst(count)
            self.settled -= count
        }
    }

    static var limits: ReactorLimits {
        var limits = ReactorLimits()
        limits.receiveBufferSize = 4096
        limits.receiveBufferCount = 16
        limits.heldBuffersPerLoop = 8
        limits.heldBytesPerSocket = 4 * 4096
        limits.largeBufferSize = 8192
        limits.largeBufferCount = 4
        return limits.corrected
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func `what leaves is what was queued`(seed: UInt64) throws {
        var generator = ReactorSuite.ChaosTests.Generator(state: seed)
        var model = try Model(Self.limits)
        for _ in 0..<400 {
            for _ in 0..<Int.random(in: 0...3, using: &generator) {
                model.receive(Int.random(in: 1...8192, using: &generator))
            }
            for _ in 0..<Int.random(in: 0...4, using: &generator) {
                if Bool.random(using: &generator) || model.turn.isEmpty {
                    model.append(Int.random(in: 0...3000, using: &generator))
                } else {
                    let number = Int.random(in: 0..<model.turn.count, using: &generator)
                    let size = model.turn[number].bytes.count
                    let middle = Int.random(in: 0...size, using: &generator)
                    model.forward(number, 0..<middle)
                    if Bool.random(using: &generator) {
                        model.forward(number, middle..<size)
                    }
                }
            }
            #expect(model.queue.count == model.bytes.count)
            model.endTurn()
            #expect(!model.queue.hasFresh)
            let offered = model.offered()
            #expect(offered == Array(model.bytes[..<offered.count]))
            #expect(offered.isEmpty == model.bytes.isEmpty)
            model.consume(Int.random(in: 0...offered.count, using: &generator))
            #expect(
                model.memory.heldSmall * 4096 + model.memory.heldLarge * 8192
                    <= Self.limits.heldBytesPerSocket
            )
            #expect(model.memory.heldLarge <= 2)
            #expect(model.memory.buffers.inUse <= model.memory.held)
        }
        model.receive(100)
        model.forward(0, 0..<100)
        model.append(10)
        model.queue.drop(keepingSettled: true, model.memory)
        #expect(model.queue.count <= model.bytes.count)
        model.queue.drop(keepingSettled: false, model.memory)
        #expect(model.queue.isEmpty)
        model.endTurn()
        #expect(model.memory.held == 0)
        #expect(model.memory.buffers.inUse == 0)
        #expect(model.memory.blocks.bytesInUse == 0)
    }

    @Test func `adjacent ranges leave as one`() throws {
        var model = try Model(Self.limits)
        model.receive(4096)
        model.forward(0, 0..<2000)
        model.forward(0, 2000..<3000)
        model.forward(0, 3000..<4096)
        model.append(100)
        model.endTurn()
        #expect(model.memory.held == 1)
        #expect(model.memory.counters.heldForwards == 1)
        #expect(model.offered().count == 4096)
        #expect(model.drain() == model.bytes)
    }

    @Test func `a small total is copied, and its buffer is free at once`() throws {
        var model = try Model(Self.limits)
        model.receive(3000)
        model.forward(0, 0..<3000)
        model.endTurn()
        #expect(model.memory.held == 0)
        #expect(model.memory.buffers.inUse == 0)
        #expect(model.drain() == model.bytes)
    }

    @Test func `beyond the quota of a socket ranges are copied`() throws {
        var model = try Model(Self.limits)
        for number in 0..<6 {
            model.receive(4096)
            model.forward(number, 0..<4096)
        }
        model.endTurn()
        #expect(model.memory.held == 4)
        #expect(model.memory.counters.quotaCopies == 2)
        #expect(model.memory.buffers.inUse == 4)
        #expect(model.drain() == model.bytes)
    }

    @Test func `a large buffer counts for all of its bytes, and for its own quota`() throws {
        var model = try Model(Self.limits)
        for number in 0..<3 {
            model.receive(number == 0 ? 5000 : 8192)
            model.forward(number, 0..<4500)
        }
        model.endTurn()
        #expect(model.memory.heldLarge == 2)
        #expect(model.memory.heldSmall == 0)
        #expect(model.memory.counters.quotaCopies == 1)
        model.receive(4096)
        model.forward(0, 0..<4096)
        model.endTurn()
        #expect(model.memory.heldSmall == 0, "two large ones are all the bytes of a socket")
        #expect(model.memory.counters.quotaCopies == 2)
        #expect(model.drain() == model.bytes)
        #expect(model.memory.held == 0)
        #expect(model.memory.buffers.inUse == 0)
    }

    @Test func `appending behind a send in flight leaves its bytes alone`() throws {
        var model = try Model(Self.limits)
        model.append(100)
        model.endTurn()
        let inFlight = unsafe model.queue.firstRun
        let before = model.bytes
        #expect(inFlight.count == 100)
        model.append(500)
        model.endTurn()
        #expect(unsafe [UInt8](inFlight) == before)
        model.consume(100)
        #expect(model.drain() == model.bytes)
    }
}
