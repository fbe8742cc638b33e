import Glibc
import Testing

@testable import Reactor

extension ReactorSuite {
    /// Output that waits for more.
    @Suite struct CorkTests {
        /// Limits whose corks end by themselves only after `seconds`.
        private static func limits(seconds: Int64) -> ReactorLimits {
            var limits = ReactorLimits()
            limits.corkTime = seconds * 1_000_000_000
            return limits
        }

        /// What the peer has got after turns in which corked output could have left.
        private static func read(_ harness: LoopHarness, _ peer: TestPeer) -> [UInt8] {
            var bytes: [UInt8] = []
            for _ in 0..<3 {
                harness.turn(2)
                _ = peer.drain(into: &bytes)
            }
            return bytes
        }

        @Test(arguments: ReactorSuite.engines)
        func `corked output leaves with what follows, in order`(engine: EventEngine) throws {
            let harness = try LoopHarness(engine, Self.limits(seconds: 60))
            let (socket, peer) = try harness.acceptPeer()
            for byte in UInt8(1)...3 {
                harness.write([byte], to: socket)
                harness.loop.cork(socket)
                #expect(Self.read(harness, peer).isEmpty)
            }
            let sends = harness.loop.counters.sends
            harness.write([4], to: socket)
            #expect(Self.read(harness, peer) == [1, 2, 3, 4])
            #expect(harness.loop.counters.sends == sends + 1)
        }

        @Test(arguments: ReactorSuite.engines)
        func `a cork ends when its time is up, however often it is renewed`(
            engine: EventEngine
        ) throws {
            var limits = ReactorLimits()
            limits.corkTime = 20_000_000
            let harness = try LoopHarness(engine, limits)
            let (socket, peer) = try harness.acceptPeer()
            for _ in 0..<2 {
                // The second round meets the entry of a cork that is over.
                let start = EventLoop.clock()
                var bytes: [UInt8] = []
                var count = 0
                harness.run("the first bytes come while more are corked") {
                    harness.write([7], to: socket)
                    harness.loop.cork(socket)
                    count += 1
                    _ = peer.drain(into: &bytes)
                    return !bytes.isEmpty
                }
                #expect(EventLoop.clock() - start >= 20_000_000)
                #expect(bytes.count <= count)
                harness.run("the rest comes") {
                    _ = peer.drain(into: &bytes)
                    return bytes.count == count
                }
            }
        }

        @Test(arguments: ReactorSuite.engines)
        func `a loop that waits without end ends a cork in time`(engine: EventEngine) throws {
            let harness = try LoopHarness(engine)
            let (socket, peer) = try harness.acceptPeer()
            harness.write([9], to: socket)
            harness.loop.cork(socket)
            // Nothing else happens; only the cork can end the wait inside of the turn.
            harness.turn(300)
            var bytes: [UInt8] = []
            _ = peer.drain(into: &bytes)
            #expect(bytes == [9])
        }

        @Test(arguments: ReactorSuite.engines)
        func `much output leaves although it is corked`(engine: EventEngine) throws {
            var limits = Self.limits(seconds: 60)
            limits.corkBytes = 10_000
            let harness = try LoopHarness(engine, limits)
            let (socket, peer) = try harness.acceptPeer()
            harness.write([UInt8](repeating: 1, count: 9_999), to: socket)
            harness.loop.cork(socket)
            #expect(Self.read(harness, peer).isEmpty)
            harness.write([2], to: socket)
            harness.loop.cork(socket)
            #expect(Self.read(harness, peer).count == 10_000)
            // What is corked after a send begins anew.
            harness.write([3], to: socket)
            harness.loop.cork(socket)
            #expect(Self.read(harness, peer).isEmpty)
        }

        @Test(arguments: ReactorSuite.engines)
        func `what a short send leaves of a cork is sent on`(engine: EventEngine) throws {
            var limits = Self.limits(seconds: 60)
            limits.corkBytes = 50_000
            let harness = try LoopHarness(engine, limits)
            let (socket, peer) = try harness.acceptPeer()
            harness.narrowOutput(of: socket)
            // More than the socket takes at once, less of it left than a cork may hold.
            let count = 60_000
            harness.write([UInt8](repeating: 1, count: count), to: socket)
            harness.loop.cork(socket)
            var bytes: [UInt8] = []
            harness.run("all of it comes") {
                _ = peer.drain(into: &bytes)
                return bytes.count == count
            }
            #expect(harness.loop.counters.shortSends > 0 || harness.loop.counters.sends > 1)
        }

        @Test(arguments: ReactorSuite.engines)
        func `closing sends what is corked`(engine: EventEngine) throws {
            let harness = try LoopHarness(engine, Self.limits(seconds: 60))
            let (flushed, first) = try harness.acceptPeer()
            let (ended, second) = try harness.acceptPeer()
            for socket in [flushed, ended] {
                harness.write([5, 6], to: socket)
                harness.loop.cork(socket)
            }
            harness.turn(2)
            harness.close(flushed, flushing: true)
            harness.loop.closeWrite(ended)
            for peer in [first, second] {
                var bytes: [UInt8] = []
                harness.run("the output and the end come") { peer.drain(into: &bytes) }
                #expect(bytes == [5, 6])
                peer.close()
            }
            harness.close(ended)
            harness.expectNothingLeft()
        }

        @Test(arguments: ReactorSuite.engines)
        func `a cork of a socket that has gone does no harm`(engine: EventEngine) throws {
            var limits = ReactorLimits()
            limits.corkTime = 5_000_000
            let harness = try LoopHarness(engine, limits)
            let (socket, peer) = try harness.acceptPeer()
            harness.write([1], to: socket)
            harness.loop.cork(socket)
            harness.close(socket)
            harness.loop.cork(socket)
            harness.run("it is closed") { harness.has(.closed, socket) }
            peer.close()
            // The next socket takes the same entry.
            let (next, other) = try harness.acceptPeer()
            harness.write([2], to: next)
            harness.loop.cork(next)
            var bytes: [UInt8] = []
            harness.run("its own cork ends") {
                _ = other.drain(into: &bytes)
                return bytes == [2]
            }
            harness.close(next)
            harness.expectNothingLeft()
        }

        @Test func `the queue of corks grows and keeps its order`() {
            func cork(_ number: Int) -> Cork {
                let socket = SocketID(index: UInt32(number), generation: 1)
                return Cork(socket: socket, deadline: Int64(number))
            }
            let queue = RingQueue<Cork>()
            for number in 0..<40 {
                queue.append(cork(number))
            }
            for _ in 0..<30 { _ = queue.popFirst() }
            for number in 40..<300 {
                queue.append(cork(number))
            }
            for number in 30..<300 {
                #expect(queue.first?.deadline == Int64(number))
                #expect(queue.first?.socket.index == UInt32(number))
                _ = queue.popFirst()
            }
            #expect(queue.first == nil)
        }
    }
}
