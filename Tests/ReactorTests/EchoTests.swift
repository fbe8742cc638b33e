import Reactor
import Testing

extension ReactorSuite {
    @Suite struct EchoTests {
        @Test(arguments: ReactorSuite.engines)
        func `bytes come back in order, in pieces`(engine: EventEngine) throws {
            let harness = try LoopHarness(engine)
            let (socket, peer) = try harness.acceptPeer()
            #expect(harness.log.first?.context == 7)
            harness.loop.setContext(42, of: socket)
            harness.onCompletion = { index, completion in
                if completion.kind == .received {
                    #expect(completion.context == 42)
                    let half = completion.count / 2
                    harness.loop.forward(index, offset: 0, count: half, to: socket)
                    harness.loop.forward(
                        index,
                        offset: half,
                        count: completion.count - half,
                        to: socket
                    )
                    harness.loop.receive(socket)
                }
            }
            harness.loop.receive(socket)
            var sent: [UInt8] = []
            var echoed: [UInt8] = []
            for size in [1, 2, 3, 100, 1000, 4096, 5000, 20_000] {
                let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ size) }
                #expect(peer.send(bytes) == size)
                sent += bytes
                harness.run("\(size) bytes are echoed") {
                    _ = peer.drain(into: &echoed)
                    return echoed.count == sent.count
                }
            }
            #expect(echoed == sent)
            harness.close(socket)
            harness.expectNothingLeft()
        }

        @Test(arguments: ReactorSuite.engines)
        func `write and forward keep their order`(engine: EventEngine) throws {
            let harness = try LoopHarness(engine)
            let (socket, peer) = try harness.acceptPeer()
            harness.onCompletion = { index, completion in
                if completion.kind == .received {
                    harness.write([1], to: socket)
                    harness.loop.forward(index, offset: 0, count: 6000, to: socket)
                    harness.write([2, 2], to: socket)
                    harness.loop.forward(index, offset: 6000, count: 10, to: socket)
                    harness.write([3], to: socket)
                    harness.loop.forward(index, offset: 6010, count: 1990, to: socket)
                }
            }
            let bytes = (0..<8000).map { UInt8(truncatingIfNeeded: $0 / 7) }
            peer.send(bytes)
            harness.run("all bytes wait in the kernel") {
                harness.loop.unreadBytes(socket) == 8000
            }
            harness.loop.receive(socket)
            var answer: [UInt8] = []
            harness.run("the answer is complete") {
                _ = peer.drain(into: &answer)
                return answer.count == 8004
            }
            var expected: [UInt8] = [1]
            expected += bytes[..<6000]
            expected += [2, 2]
            expected += bytes[6000..<6010]
            expected += [3]
            expected += bytes[6010...]
            #expect(answer == expected)
            #expect(harness.loop.counters.heldForwards > 0)
            #expect(harness.loop.counters.copiedForwards > 0)
            harness.close(socket)
            harness.expectNothingLeft()
        }

        @Test(arguments: ReactorSuite.engines)
        func `one receive is delivered once`(engine: EventEngine) throws {
            let harness = try LoopHarness(engine)
            let (socket, peer) = try harness.acceptPeer()
            harness.loop.receive(socket)
            harness.loop.receive(socket)
            peer.send([1])
            harness.run("the first byte is there") { harness.has(.received, socket) }
            peer.send([2])
            for _ in 0..<5 {
                harness.turn(2)
            }
            #expect(harness.received[socket] == [1])
            harness.loop.receive(socket)
            harness.run("the second byte is there") { harness.received[socket] == [1, 2] }
            harness.close(socket)
            harness.expectNothingLeft()
        }
    }
}
