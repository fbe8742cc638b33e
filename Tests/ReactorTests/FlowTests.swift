import Glibc
import Testing

@testable import Reactor

extension ReactorSuite {
    @Suite struct FlowTests {
        /// Sends all of `bytes` while the loop receives; returns the sizes that came.
        @discardableResult
        private static func stream(
            _ harness: LoopHarness,
            _ bytes: [UInt8],
            from peer: TestPeer,
            to socket: SocketID
        ) -> [Int] {
            let first = harness.log.count
            let before = harness.received[socket]?.count ?? 0
            var sent = 0
            harness.loop.receive(socket)
            harness.run("all bytes arrive") {
                if sent < bytes.count {
                    sent += max(peer.send(Array(bytes[sent...])), 0)
                }
                return harness.received[socket, default: []].count - before == bytes.count
            }
            #expect(harness.received[socket, default: []].dropFirst(before).elementsEqual(bytes))
            return harness.log[first...]
                .filter { $0.kind == .received && $0.socket == socket }.map(\.count)
        }

        private static func bytes(_ count: Int) -> [UInt8] {
            (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 10) }
        }

        /// A loop whose sockets receive again whatever came.
        private static func harness(
            _ engine: EventEngine,
            _ limits: ReactorLimits = ReactorLimits()
        ) throws -> LoopHarness {
            let harness = try LoopHarness(engine, limits)
            harness.onCompletion = { _, completion in
                if completion.kind == .received {
                    harness.loop.receive(completion.socket)
                }
            }
            return harness
        }

        @Test(arguments: ReactorSuite.engines)
        func `receives grow with a flow and shrink after it`(engine: EventEngine) throws {
            let limits = ReactorLimits()
            let harness = try Self.harness(engine)
            let (socket, peer) = try harness.acceptPeer()
            Self.stream(harness, [1, 2, 3], from: peer, to: socket)
            #expect(harness.loop.counters.largeReceives == 0)

            let sizes = Self.stream(harness, Self.bytes(1_000_000), from: peer, to: socket)
            #expect(sizes[0] == limits.receiveBufferSize, "a flow begins small")
            #expect(sizes.contains { $0 > limits.receiveBufferSize })
            #expect(sizes.allSatisfy { $0 <= limits.largeBufferSize })
            let inFlow = harness.loop.counters.largeReceives
            #expect(inFlow > 0)

            for _ in 0..<(limits.smallReceivesAfterFlow + 1) {
                Self.stream(harness, [4], from: peer, to: socket)
            }
            let after = harness.loop.counters.largeReceives
            Self.stream(harness, [5], from: peer, to: socket)
            #expect(harness.loop.counters.largeReceives == after, "the flow is over")
            harness.close(socket)
            harness.expectNothingLeft()
        }

        @Test(arguments: ReactorSuite.engines)
        func `a short message in a flow does not end it`(engine: EventEngine) throws {
            let harness = try Self.harness(engine)
            let (socket, peer) = try harness.acceptPeer()
            Self.stream(harness, Self.bytes(300_000), from: peer, to: socket)
            Self.stream(harness, [1], from: peer, to: socket)
            let before = harness.loop.counters.largeReceives
            Self.stream(harness, [2], from: peer, to: socket)
            #expect(harness.loop.counters.largeReceives == before + 1)
            harness.close(socket)
            harness.expectNothingLeft()
        }

        @Test(arguments: ReactorSuite.engines)
        func `without large buffers everything is small`(engine: EventEngine) throws {
            var limits = ReactorLimits()
            limits.largeBufferCount = 0
            let harness = try Self.harness(engine, limits)
            let (socket, peer) = try harness.acceptPeer()
            let sizes = Self.stream(harness, Self.bytes(500_000), from: peer, to: socket)
            #expect(sizes.allSatisfy { $0 <= limits.receiveBufferSize })
            let counters = harness.loop.counters
            #expect(counters.largeReceives == 0)
            #expect(counters.largeBuffersMissing == 0)
            harness.close(socket)
            harness.expectNothingLeft()
        }

        @Test(arguments: ReactorSuite.engines)
        func `more flows than large buffers: the others take small ones and none waits`(
            engine: EventEngine
        ) throws {
            var limits = ReactorLimits()
            limits.largeBufferCount = 2
            let harness = try Self.harness(engine, limits)
            let listener = try harness.loop.listen(on: .loopback(port: 0), context: 0)
            var pairs: [(SocketID, TestPeer)] = []
            for _ in 0..<8 {
                let pair = try harness.acceptPeer(from: listener)
                // A flow, with a receive armed for its next bytes.
                Self.stream(harness, Self.bytes(200_000), from: pair.1, to: pair.0)
                pairs.append(pair)
            }
            harness.turn(0)
            #expect(harness.loop.counters.largeBuffersMissing == 0)
            let turns = harness.loop.counters.turns
            for pair in pairs {
                #expect(pair.1.send([9, 9, 9]) == 3)
            }
            harness.run("all are served") {
                pairs.allSatisfy { harness.received[$0.0]?.count == 200_003 }
            }
            let counters = harness.loop.counters
            #expect(counters.largeBuffersMissing >= 6)
            #expect(counters.buffersMissing == 0, "nobody was parked")
            #expect(counters.turns - turns < 20)
            for pair in pairs {
                harness.loop.close(pair.0, flushing: false)
            }
            harness.run("all are closed") { harness.loop.counters.sockets == 0 }
            harness.loop.closeListener(listener)
            harness.expectNothingLeft()
        }

        @Test(arguments: ReactorSuite.engines)
        func `a flow to a fast reader stays one beside stalled ones`(
            engine: EventEngine
        ) throws {
            var limits = ReactorLimits()
            limits.largeBufferCount = 8
            limits.heldLargeBuffersPerLoop = 4
            let harness = try LoopHarness(engine, limits)
            let listener = try harness.loop.listen(on: .loopback(port: 0), context: 0)
            harness.onCompletion = { index, completion in
                let socket = completion.socket
                if completion.kind == .received {
                    harness.loop.forward(index, offset: 0, count: completion.count, to: socket)
                }
                if completion.kind == .drained
                    || completion.kind == .received && !harness.loop.isCongested(socket)
                {
                    harness.loop.receive(socket)
                }
            }
            let block = Self.bytes(64 * 1024)
            var stalled: [(SocketID, TestPeer)] = []
            for _ in 0..<12 {
                let pair = try harness.acceptPeer(from: listener)
                harness.narrowOutput(of: pair.0)
                harness.loop.receive(pair.0)
                var quiet = 0
                harness.run("it is stalled") {
                    quiet = pair.1.send(block) > 0 ? 0 : quiet + 1
                    return quiet > 20
                }
                stalled.append(pair)
            }
            let held = harness.loop.counters.largeBuffersHeld
            #expect(held > 0 && held <= 4)
            for (socket, _) in stalled {
                #expect(harness.loop.queued(socket) <= limits.highWater + limits.largeBufferSize)
            }

            let (fast, peer) = try harness.acceptPeer()
            harness.loop.receive(fast)
            let before = harness.loop.counters.largeReceives
            let total = 2_000_000
            var sent = 0
            var back = 0
            harness.run("the fast one gets its bytes back") {
                if sent < total {
                    sent += max(peer.send([UInt8](repeating: 1, count: total - sent)), 0)
                }
                if case .bytes(let some) = peer.read(1 << 20) {
                    back += some.count
                }
                return back == total
            }
            #expect(harness.loop.counters.largeReceives > before)
            for (socket, _) in stalled {
                harness.loop.close(socket, flushing: false)
            }
            harness.loop.close(fast, flushing: false)
            harness.run("all are closed") { harness.loop.counters.sockets == 0 }
            harness.loop.closeListener(listener)
            harness.expectNothingLeft()
        }

        @Test(arguments: ReactorSuite.engines)
        func `the memory of idle large buffers goes back`(engine: EventEngine) throws {
            var limits = ReactorLimits()
            limits.largeBufferIdleTime = 30_000_000
            let harness = try Self.harness(engine, limits)
            let (socket, peer) = try harness.acceptPeer()
            Self.stream(harness, Self.bytes(1_000_000), from: peer, to: socket)
            let large = harness.loop.shared.buffers.large
            #expect(Self.residentPages(large) > 0)
            #expect(harness.loop.counters.trims == 0)
            harness.run("it is trimmed") { harness.loop.counters.trims == 1 }
            #expect(Self.residentPages(large) == 0)
            harness.turn(80)
            #expect(harness.loop.counters.trims == 1, "once")
            // The kernel writes to buffers that it had before.
            Self.stream(harness, Self.bytes(700_000), from: peer, to: socket)
            #expect(Self.residentPages(large) > 0)
            harness.close(socket)
            harness.expectNothingLeft()
        }

        @Test func `a trim leaves buffers alone that are out`() throws {
            let pool = try #require(BufferPool(size: 8192, count: 4))
            var taken: [Int] = []
            while let buffer = pool.takeReturned() {
                unsafe pool.bytes(buffer).storeBytes(of: UInt8(7), as: UInt8.self)
                taken.append(buffer)
            }
            #expect(taken.count == 4)
            pool.lend(1)
            pool.trim()
            #expect(Self.residentPages(pool) == 1)
            #expect(unsafe pool.bytes(1).load(as: UInt8.self) == 7)
            #expect(unsafe pool.bytes(0).load(as: UInt8.self) == 0)
            #expect(unsafe pool.bytes(3).load(as: UInt8.self) == 0)
            pool.release(1)
            pool.trim()
            pool.deallocate()
        }

        /// How many pages of a pool occupy memory.
        private static func residentPages(_ pool: BufferPool) -> Int {
            let bytes = pool.size * pool.count
            var pages = [UInt8](repeating: 0, count: bytes / 4096)
            let outcome = unsafe mincore(pool.bytes(0), bytes, &pages)
            #expect(outcome == 0)
            return pages.count { $0 & 1 != 0 }
        }
    }
}
