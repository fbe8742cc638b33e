import Reactor
import Testing

extension ReactorSuite {
    @Suite struct HalfCloseTests {
        @Test(arguments: ReactorSuite.engines)
        func `after the peer's end of file sends still work`(engine: EventEngine) throws {
            let harness = try LoopHarness(engine)
            let (socket, peer) = try harness.acceptPeer()
            peer.send([1, 2, 3])
            peer.shutdownWrite()
            harness.loop.receive(socket)
            harness.run("the bytes come first") { harness.has(.received, socket) }
            #expect(!harness.has(.endOfFile, socket))
            harness.loop.receive(socket)
            harness.run("then the end") { harness.has(.endOfFile, socket) }
            harness.loop.receive(socket)
            harness.write([9, 9], to: socket)
            var answer: [UInt8] = []
            harness.run("the answer arrives") {
                _ = peer.drain(into: &answer)
                return answer.count == 2
            }
            harness.turn(5)
            #expect(harness.kinds(of: socket) == [.accepted, .received, .endOfFile])
            harness.close(socket)
            harness.expectNothingLeft()
        }

        @Test(arguments: ReactorSuite.engines)
        func `closeWrite comes after all output, and receives go on`(engine: EventEngine) throws {
            let harness = try LoopHarness(engine)
            var options = ListenOptions()
            options.accepted.socketBuffer = 8 * 1024
            let (socket, peer) = try harness.acceptPeer(options)
            let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 / 3) }
            harness.write(bytes, to: socket)
            harness.loop.closeWrite(socket)
            harness.write([0xee], to: socket)
            var read: [UInt8] = []
            harness.run("all bytes arrive, then the end") { peer.drain(into: &read) }
            #expect(read == bytes)
            harness.loop.receive(socket)
            peer.send([5])
            harness.run("the peer's byte arrives") { harness.received[socket] == [5] }
            harness.loop.receive(socket)
            peer.close()
            harness.run("the peer's end arrives") { harness.has(.endOfFile, socket) }
            harness.close(socket)
            harness.expectNothingLeft()
        }

        @Test(arguments: ReactorSuite.engines)
        func `a reset fails the socket once`(engine: EventEngine) throws {
            let harness = try LoopHarness(engine)
            let (socket, peer) = try harness.acceptPeer()
            harness.loop.receive(socket)
            harness.turn(1)
            peer.reset()
            harness.run("it fails") { harness.has(.failed, socket) }
            #expect(harness.completion(.failed, of: socket)?.error == 104)
            harness.loop.receive(socket)
            harness.write([1], to: socket)
            harness.turn(5)
            #expect(harness.kinds(of: socket) == [.accepted, .failed])
            harness.close(socket)
            harness.expectNothingLeft()
        }

        @Test(arguments: ReactorSuite.engines)
        func `a peer's last words are delivered before the failed send`(
            engine: EventEngine
        ) throws {
            let harness = try LoopHarness(engine)
            let (socket, peer) = try harness.acceptPeer()
            // Unread bytes at the peer make its close a reset; its last words are with us.
            harness.write([1, 2, 3, 4], to: socket)
            harness.turn(5)
            peer.send(Array("last words".utf8))
            harness.run("the words wait here") { harness.loop.unreadBytes(socket) == 10 }
            peer.close()
            harness.write([5], to: socket)
            harness.turn(5)
            harness.write([6], to: socket)
            harness.turn(5)
            #expect(!harness.has(.failed, socket))
            harness.loop.receive(socket)
            harness.run("they are delivered") { harness.has(.received, socket) }
            #expect(harness.received[socket] == Array("last words".utf8))
            harness.loop.receive(socket)
            harness.run("then the failure") { harness.has(.failed, socket) }
            harness.close(socket)
            harness.expectNothingLeft()
        }
    }
}
