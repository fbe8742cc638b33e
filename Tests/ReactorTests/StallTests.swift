import Reactor
import Testing

extension ReactorSuite {
    @Suite struct StallTests {
        /// Echoes every socket, pausing those that are congested.
        private static func echo(_ harness: LoopHarness, except quiet: SocketID = .none) {
            harness.onCompletion = { index, completion in
                let socket = completion.socket
                switch completion.kind {
                case .received:
                    harness.loop.forward(index, offset: 0, count: completion.count, to: socket)
                    if !harness.loop.isCongested(socket) {
                        harness.loop.receive(socket)
                    }
                case .drained:
                    harness.loop.receive(socket)
                default:
                    break
                }
            }
        }

        @Test(arguments: ReactorSuite.engines, [false, true])
        func `more stalled readers than buffers leave another's latency as it was`(
            engine: EventEngine,
            areFlows: Bool
        ) throws {
            var limits = ReactorLimits()
            limits.receiveBufferCount = 16
            limits.heldBuffersPerLoop = 8
            limits.largeBufferCount = 8
            limits.heldLargeBuffersPerLoop = 4
            let harness = try LoopHarness(engine, limits)
            var options = ListenOptions()
            options.accepted.socketBuffer = areFlows ? 0 : 8 * 1024
            let listener = try harness.loop.listen(
                on: .loopback(port: 0),
                options: options,
                context: 0
            )
            Self.echo(harness)
            let (fast, fastPeer) = try harness.acceptPeer(from: listener)
            harness.loop.receive(fast)
            let calm = Self.roundTrips(harness, fastPeer)

            // 40 peers that write as much as they can and never read.
            var stalled: [(SocketID, TestPeer)] = []
            for _ in 0..<40 {
                let pair = try harness.acceptPeer(from: listener)
                if areFlows {
                    harness.narrowOutput(of: pair.0)
                }
                harness.loop.receive(pair.0)
                stalled.append(pair)
            }
            let block = [UInt8](repeating: 9, count: 64 * 1024)
            var quietRounds = 0
            harness.run("all are stalled") {
                let moved = stalled.reduce(0) { $0 + max($1.1.send(block), 0) }
                quietRounds = moved == 0 ? quietRounds + 1 : 0
                return quietRounds > 20
            }
            let counters = harness.loop.counters
            #expect(counters.buffersHeld > 0)
            #expect(counters.buffersHeld - counters.largeBuffersHeld <= 8)
            #expect((counters.largeBuffersHeld > 0) == areFlows)
            #expect(counters.largeBuffersHeld <= 4)
            #expect(stalled.filter { harness.loop.isCongested($0.0) }.count > 16)
            for (socket, _) in stalled {
                #expect(
                    harness.loop.queued(socket) <= limits.highWater + limits.largeBufferSize
                )
            }
            let busy = Self.roundTrips(harness, fastPeer)
            #expect(
                busy <= calm * 10 + 2_000_000,
                "median round trip: \(calm) ns before, \(busy) ns with 40 stalled readers"
            )
            print(
                "\(engine), flows \(areFlows): median round trip \(calm) ns, "
                    + "with 40 stalled readers \(busy) ns"
            )
            for (socket, _) in stalled {
                harness.loop.close(socket, flushing: false)
            }
            harness.close(fast)
            harness.run("all are closed") { harness.loop.counters.sockets == 0 }
            harness.loop.closeListener(listener)
            harness.expectNothingLeft()
        }

        /// The median of 50 round trips of one byte, in nanoseconds.
        private static func roundTrips(_ harness: LoopHarness, _ peer: TestPeer) -> Int64 {
            var times: [Int64] = []
            for _ in 0..<50 {
                let start = EventLoop.clock()
                peer.send([1])
                while peer.read() != .bytes([1]) {
                    if EventLoop.clock() - start > 2_000_000_000 {
                        Issue.record("the byte never came back")
                        return .max / 100
                    }
                    harness.turn(0)
                }
                times.append(EventLoop.clock() - start)
            }
            return times.sorted()[times.count / 2]
        }

        @Test(arguments: ReactorSuite.engines)
        func `receives without a buffer wait their turn and do not spin`(
            engine: EventEngine
        ) throws {
            var limits = ReactorLimits()
            limits.receiveBufferCount = 4
            let harness = try LoopHarness(engine, limits)
            let listener = try harness.loop.listen(on: .loopback(port: 0), context: 0)
            var pairs: [(SocketID, TestPeer)] = []
            for number in 0..<32 {
                let pair = try harness.acceptPeer(from: listener)
                pair.1.send([UInt8(number), 1, 2])
                pairs.append(pair)
            }
            harness.run("all bytes wait in the kernel") {
                pairs.allSatisfy { harness.loop.unreadBytes($0.0) == 3 }
            }
            let turns = harness.loop.counters.turns
            for (socket, _) in pairs {
                harness.loop.receive(socket)
            }
            harness.run("all are served") {
                pairs.allSatisfy { harness.received[$0.0]?.count == 3 }
            }
            for (number, pair) in pairs.enumerated() {
                #expect(harness.received[pair.0] == [UInt8(number), 1, 2])
            }
            #expect(harness.loop.counters.buffersMissing >= 28)
            #expect(harness.loop.counters.turns - turns < 100)
            let order = harness.log.filter { $0.kind == .received }.map(\.socket)
            // Who gets the first four buffers is the kernel's choice; the rest stood in line.
            let waited = order.dropFirst(4).map(\.index)
            #expect(waited == waited.sorted(), "first come, first served")
            for (socket, _) in pairs {
                harness.loop.close(socket, flushing: false)
            }
            harness.run("all are closed") { harness.loop.counters.sockets == 0 }
            harness.loop.closeListener(listener)
            harness.expectNothingLeft()
        }

        @Test(arguments: ReactorSuite.engines)
        func `closing a socket that waits for a buffer leaves no trace`(
            engine: EventEngine
        ) throws {
            var limits = ReactorLimits()
            limits.receiveBufferCount = 2
            let harness = try LoopHarness(engine, limits)
            let listener = try harness.loop.listen(on: .loopback(port: 0), context: 0)
            var pairs: [(SocketID, TestPeer)] = []
            for _ in 0..<6 {
                let pair = try harness.acceptPeer(from: listener)
                pair.1.send([1])
                pairs.append(pair)
            }
            harness.run("all bytes wait in the kernel") {
                pairs.allSatisfy { harness.loop.unreadBytes($0.0) == 1 }
            }
            var served: [SocketID] = []
            harness.onCompletion = { _, completion in
                if completion.kind != .received {
                    return
                }
                served.append(completion.socket)
                if served.count == 2 {
                    #expect(harness.loop.counters.parked == 4)
                    let others = pairs.filter { !served.contains($0.0) }
                    for (number, other) in others.enumerated() {
                        harness.loop.close(other.0, flushing: number % 2 == 0)
                        other.1.close()
                    }
                    #expect(harness.loop.counters.parked == 0)
                }
            }
            for (socket, _) in pairs {
                harness.loop.receive(socket)
            }
            harness.run("the first two are served") { served.count == 2 }
            harness.run("the others are closed") { harness.loop.counters.sockets == 2 }
            for socket in served {
                harness.close(socket)
            }
            harness.loop.closeListener(listener)
            harness.expectNothingLeft()
        }
    }
}
