import Reactor
import Testing

extension ReactorSuite {
    @Suite struct CloseTests {
        @Test(arguments: ReactorSuite.engines)
        func `closing with a receive armed gives the peer its end, and late bytes go nowhere`(
            engine: EventEngine
        ) throws {
            let harness = try LoopHarness(engine)
            let (socket, peer) = try harness.acceptPeer()
            harness.loop.receive(socket)
            harness.turn(2)
            harness.loop.close(socket, flushing: false)
            var bytes: [UInt8] = []
            harness.run("the peer sees the end") {
                peer.send([1, 2, 3])
                return peer.drain(into: &bytes)
            }
            harness.run("it is closed") { harness.has(.closed, socket) }
            harness.turn(5)
            #expect(harness.kinds(of: socket) == [.accepted, .closed])
            #expect(harness.completion(.closed, of: socket)?.error == 0)
            harness.expectNothingLeft()
        }

        @Test(arguments: ReactorSuite.engines)
        func `nothing is delivered after close, not even what the turn has gathered`(
            engine: EventEngine
        ) throws {
            let harness = try LoopHarness(engine)
            let (first, firstPeer) = try harness.acceptPeer()
            let (second, secondPeer) = try harness.acceptPeer()
            firstPeer.send([1])
            secondPeer.send([2])
            harness.run("both wait in the kernel") {
                harness.loop.unreadBytes(first) == 1 && harness.loop.unreadBytes(second) == 1
            }
            harness.onCompletion = { _, completion in
                if completion.kind == .received {
                    harness.loop.close(first, flushing: false)
                    harness.loop.close(second, flushing: false)
                }
            }
            harness.loop.receive(first)
            harness.loop.receive(second)
            harness.run("both are closed") {
                harness.has(.closed, first) && harness.has(.closed, second)
            }
            #expect(harness.log.filter { $0.kind == .received }.count == 1)
            harness.expectNothingLeft()
        }

        @Test(arguments: ReactorSuite.engines, [false, true])
        func `a close that nobody wants to hear of comes to its end all the same`(
            engine: EventEngine,
            isArmed: Bool
        ) throws {
            let harness = try LoopHarness(engine)
            let (socket, peer) = try harness.acceptPeer()
            if isArmed {
                harness.loop.receive(socket)
                harness.turn(2)
            }
            harness.write([1, 2, 3], to: socket)
            harness.loop.close(socket, flushing: true, isReported: false)
            var bytes: [UInt8] = []
            harness.run("the peer has the last word and the end") { peer.drain(into: &bytes) }
            #expect(bytes == [1, 2, 3])
            peer.close()
            harness.run("the socket is gone") { harness.loop.counters.sockets == 0 }
            #expect(harness.kinds(of: socket) == [.accepted])
            // The place's next tenant is reported again.
            let (next, _) = try harness.acceptPeer()
            harness.close(next)
            harness.expectNothingLeft()
        }

        @Test(arguments: ReactorSuite.engines)
        func `a stale ID reaches no other socket`(engine: EventEngine) throws {
            let harness = try LoopHarness(engine)
            let (old, oldPeer) = try harness.acceptPeer()
            harness.close(old)
            oldPeer.close()
            let (new, peer) = try harness.acceptPeer()
            #expect(new.index == old.index, "the entry is used again")
            #expect(new.generation != old.generation)

            harness.write([1, 2, 3], to: old)
            harness.loop.receive(old)
            harness.loop.setContext(99, of: old)
            harness.loop.closeWrite(old)
            harness.loop.close(old, flushing: false)
            harness.loop.close(old, flushing: true)
            #expect(harness.loop.queued(old) == 0)
            #expect(!harness.loop.isCongested(old))
            #expect(harness.loop.unreadBytes(old) == 0)
            #expect(harness.loop.descriptor(of: old) == nil)
            #expect(harness.loop.peerCredentials(old) == nil)
            #expect(harness.loop.remoteAddress(of: old) == .unix(path: ""))
            harness.loop.receive(.none)
            harness.write([1], to: .none)
            harness.loop.close(.none, flushing: true)

            peer.send([7])
            harness.turn(5)
            #expect(harness.kinds(of: new) == [.accepted])
            harness.loop.receive(new)
            harness.run("the byte arrives") { harness.received[new] == [7] }
            #expect(harness.completion(.received, of: new)?.context == 0)
            #expect(peer.read() == .nothing)
            harness.close(new)
            harness.expectNothingLeft()
        }

        @Test(arguments: ReactorSuite.engines)
        func `a last message arrives although input is unread`(engine: EventEngine) throws {
            let harness = try LoopHarness(engine)
            let (socket, peer) = try harness.acceptPeer()
            peer.send([UInt8](repeating: 7, count: 100_000))
            harness.run("input waits") { harness.loop.unreadBytes(socket) > 50_000 }
            let message = Array("FATAL: too many connections".utf8)
            harness.write(message, to: socket)
            harness.loop.close(socket, flushing: true)
            var read: [UInt8] = []
            var reading = TestPeer.Reading.nothing
            harness.run("the message arrives, then the end") {
                reading = peer.read()
                if case .bytes(let bytes) = reading {
                    read += bytes
                }
                return reading != .nothing && read.count >= message.count
                    && reading == .endOfFile
            }
            #expect(read == message)
            #expect(!harness.has(.closed, socket), "it waits for the peer's end")
            peer.close()
            harness.run("it is closed") { harness.has(.closed, socket) }
            #expect(harness.completion(.closed, of: socket)?.error == 0)
            #expect(harness.kinds(of: socket) == [.accepted, .closed])
            harness.expectNothingLeft()
        }

        @Test(arguments: ReactorSuite.engines)
        func `a flushing close ends in time`(engine: EventEngine) throws {
            var limits = ReactorLimits()
            limits.lingerTimeout = 100_000_000
            let harness = try LoopHarness(engine, limits)
            var options = ListenOptions()
            options.accepted.socketBuffer = 8 * 1024
            let (silent, silentPeer) = try harness.acceptPeer(options)
            let (stalled, stalledPeer) = try harness.acceptPeer(options)
            harness.write([UInt8](repeating: 1, count: 8_000_000), to: stalled)
            harness.write([1], to: silent)
            harness.turn(0)
            let start = EventLoop.clock()
            harness.loop.close(silent, flushing: true)
            harness.loop.close(stalled, flushing: true)
            harness.run("both are closed") {
                harness.has(.closed, silent) && harness.has(.closed, stalled)
            }
            let milliseconds = (EventLoop.clock() - start) / 1_000_000
            #expect(milliseconds >= 80 && milliseconds < 2000)
            #expect(harness.completion(.closed, of: silent)?.error == 0)
            #expect(harness.completion(.closed, of: stalled)?.error == 110, "output was lost")
            #expect(harness.loop.counters.lingerTimeouts == 2)
            harness.expectNothingLeft()
            _ = (silentPeer, stalledPeer)
        }

        @Test(arguments: ReactorSuite.engines)
        func `a flushing close reads no more than it may`(engine: EventEngine) throws {
            var limits = ReactorLimits()
            limits.lingerBytes = 50_000
            let harness = try LoopHarness(engine, limits)
            let (socket, peer) = try harness.acceptPeer()
            harness.loop.close(socket, flushing: true)
            let block = [UInt8](repeating: 3, count: 20_000)
            var sent = 0
            harness.run("it is closed while the peer still writes") {
                sent += max(peer.send(block), 0)
                return harness.has(.closed, socket)
            }
            #expect(sent >= 50_000)
            #expect(harness.loop.counters.lingerTimeouts == 0)
            harness.expectNothingLeft()
        }

        @Test(arguments: ReactorSuite.engines)
        func `a loop that is released with everything under way frees it`(
            engine: EventEngine
        ) throws {
            var peers: [TestPeer] = []
            do {
                let harness = try LoopHarness(engine)
                for number in 0..<20 {
                    let (socket, peer) = try harness.acceptPeer()
                    peers.append(peer)
                    harness.loop.receive(socket)
                    if number % 2 == 0 {
                        harness.write([UInt8](repeating: 1, count: 5_000_000), to: socket)
                    }
                }
                _ = try harness.loop.listen(on: .loopback(port: 0), context: 0)
                harness.turn(5)
            }
            for peer in peers {
                var bytes: [UInt8] = []
                while true {
                    let reading = peer.read()
                    if case .bytes(let some) = reading {
                        bytes += some
                    } else {
                        #expect(reading != .nothing, "the peer sees its connection end")
                        break
                    }
                }
            }
        }
    }
}
