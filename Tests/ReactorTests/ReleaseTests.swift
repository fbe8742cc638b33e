import Reactor
import Testing

extension ReactorSuite {
    @Suite struct ReleaseTests {
        @Test(arguments: ReactorSuite.engines, ReactorSuite.engines)
        func `a socket moves from one loop to another`(
            first: EventEngine,
            second: EventEngine
        ) throws {
            let old = try LoopHarness(first)
            let new = try LoopHarness(second)
            let (socket, peer) = try old.acceptPeer()
            old.loop.receive(socket)
            old.turn(2)
            old.write([1, 2], to: socket)
            old.loop.release(socket)
            old.run("it is released") { old.has(.released, socket) }
            #expect(old.kinds(of: socket) == [.accepted, .released])
            old.expectNothingLeft()
            let descriptor = Int32(try #require(old.completion(.released, of: socket)).count)
            #expect(peer.read() == .bytes([1, 2]))

            peer.send([3, 4])
            let moved = new.loop.adopt(descriptor: descriptor, context: 11)
            #expect(new.loop.descriptor(of: moved) == descriptor)
            new.loop.receive(moved)
            new.run("bytes arrive there") { new.received[moved] == [3, 4] }
            #expect(new.completion(.received, of: moved)?.context == 11)
            new.write([5], to: moved)
            new.run("and back") { peer.read() == .bytes([5]) }
            new.close(moved)
            new.expectNothingLeft()
        }

        @Test(arguments: ReactorSuite.engines)
        func `what came before the move is not lost`(engine: EventEngine) throws {
            for _ in 0..<20 {
                let old = try LoopHarness(engine)
                let new = try LoopHarness(engine)
                let (socket, peer) = try old.acceptPeer()
                old.loop.receive(socket)
                old.turn(0)
                peer.send([1])
                old.loop.release(socket)
                old.run("it is released or it is not") {
                    old.has(.released, socket) || old.has(.received, socket)
                }
                if let released = old.completion(.released, of: socket) {
                    let moved = new.loop.adopt(descriptor: Int32(released.count), context: 0)
                    new.loop.receive(moved)
                    new.run("the byte arrives there") { new.received[moved] == [1] }
                } else {
                    #expect(old.received[socket] == [1])
                    old.turn(1)
                    #expect(!old.has(.released, socket))
                    old.close(socket)
                }
            }
        }

        @Test(arguments: ReactorSuite.engines)
        func `a close that overtakes a release wins`(engine: EventEngine) throws {
            let harness = try LoopHarness(engine)
            var options = ListenOptions()
            options.accepted.socketBuffer = 8 * 1024
            let (socket, peer) = try harness.acceptPeer(options)
            harness.loop.receive(socket)
            harness.write([UInt8](repeating: 1, count: 1_000_000), to: socket)
            harness.turn(2)
            harness.loop.release(socket)
            harness.turn(2)
            #expect(harness.kinds(of: socket) == [.accepted])
            harness.close(socket)
            #expect(harness.kinds(of: socket) == [.accepted, .closed])
            harness.expectNothingLeft()
            _ = peer
        }

        @Test(arguments: ReactorSuite.engines)
        func `a descriptor that is none is not adopted`(engine: EventEngine) throws {
            let harness = try LoopHarness(engine)
            #expect(harness.loop.adopt(descriptor: -1, context: 0) == .none)
            harness.expectNothingLeft()
        }
    }
}
