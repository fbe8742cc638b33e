import Reactor
import Testing

extension ReactorSuite {
    @Suite struct TransferTests {
        /// A relay of two loop sockets: what `source` receives goes to `target`, which pauses it.
        final class Relay {
            let harness: LoopHarness
            let source: SocketID
            let target: SocketID
            var mostQueued = 0
            private var isPaused = false

            init(_ harness: LoopHarness, from source: SocketID, to target: SocketID) {
                self.harness = harness
                self.source = source
                self.target = target
                harness.loop.receive(source)
            }

            func handle(_ index: Int, _ completion: Completion) {
                let loop = self.harness.loop
                if completion.kind == .received && completion.socket == self.source {
                    loop.forward(index, offset: 0, count: completion.count, to: self.target)
                    self.mostQueued = max(self.mostQueued, loop.queued(self.target))
                    if loop.isCongested(self.target) {
                        self.isPaused = true
                    } else {
                        loop.receive(self.source)
                    }
                } else if completion.kind == .drained && completion.socket == self.target {
                    #expect(self.isPaused)
                    self.isPaused = false
                    loop.receive(self.source)
                } else if completion.kind == .endOfFile && completion.socket == self.source {
                    loop.closeWrite(self.target)
                }
            }
        }

        @Test(arguments: ReactorSuite.engines)
        func `a slow reader gets every byte and bounds the queue`(engine: EventEngine) throws {
            // What may be held is far below the high-water mark, so that a slow reader's queue
            // cannot fill without ranges of both kinds, held and copied.
            var limits = ReactorLimits()
            limits.largeBufferCount = 0
            limits.heldBytesPerSocket = 2 * limits.receiveBufferSize
            let harness = try LoopHarness(engine, limits)
            let (source, writer) = try harness.acceptPeer()
            var options = ListenOptions()
            options.accepted.socketBuffer = 16 * 1024
            let (target, reader) = try harness.acceptPeer(options)
            let relay = Relay(harness, from: source, to: target)
            harness.onCompletion = { relay.handle($0, $1) }

            let total = 3_000_000
            let bytes = (0..<total).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 11) }
            var sent = 0
            var read: [UInt8] = []
            var isOver = false
            var round = 0
            harness.run("all bytes arrive and then the end") {
                if sent < total {
                    let step = writer.send(Array(bytes[sent..<min(sent + 100_000, total)]))
                    sent += max(step, 0)
                    if sent == total {
                        writer.shutdownWrite()
                    }
                }
                round += 1
                // Not before the queue is as full as it gets; then now and then, and little at a
                // time while there is more to come.
                if relay.mostQueued > limits.highWater, round % 3 == 0 || sent == total,
                    case .bytes(let some) = reader.read(40_000)
                {
                    read += some
                }
                if read.count == total, reader.read() == .endOfFile {
                    isOver = true
                }
                return isOver
            }
            #expect(read == bytes)
            #expect(relay.mostQueued <= limits.highWater + limits.receiveBufferSize)
            let counters = harness.loop.counters
            #expect(counters.heldForwards > 0)
            #expect(counters.quotaCopies > 0)
            #expect(counters.bytesSent == total)
            harness.close(source)
            harness.close(target)
            harness.expectNothingLeft()
        }

        @Test(arguments: ReactorSuite.engines)
        func `a large write goes on after each short send`(engine: EventEngine) throws {
            let harness = try LoopHarness(engine)
            var options = ListenOptions()
            options.accepted.socketBuffer = 8 * 1024
            let (socket, peer) = try harness.acceptPeer(options)
            let bytes = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 13 &+ $0 >> 9) }
            harness.write(bytes, to: socket)
            #expect(harness.loop.queued(socket) == bytes.count)
            #expect(harness.loop.isCongested(socket))
            var read: [UInt8] = []
            harness.run("all bytes arrive") {
                _ = peer.drain(into: &read)
                return read.count == bytes.count
            }
            #expect(read == bytes)
            harness.run("it has drained") { harness.has(.drained, socket) }
            #expect(harness.kinds(of: socket) == [.accepted, .drained])
            #expect(harness.loop.counters.shortSends > 0)
            #expect(harness.loop.queued(socket) == 0)
            #expect(!harness.loop.isCongested(socket))
            harness.close(socket)
            harness.expectNothingLeft()
        }

        @Test(arguments: ReactorSuite.engines)
        func `output beyond its limit fails the socket and not the process`(
            engine: EventEngine
        ) throws {
            var limits = ReactorLimits()
            limits.outputLimit = 200_000
            let harness = try LoopHarness(engine, limits)
            var options = ListenOptions()
            options.accepted.socketBuffer = 8 * 1024
            let (socket, peer) = try harness.acceptPeer(options)
            let block = [UInt8](repeating: 1, count: 50_000)
            for _ in 0..<10 {
                harness.write(block, to: socket)
                harness.turn(0)
            }
            harness.run("it fails") { harness.has(.failed, socket) }
            #expect(harness.completion(.failed, of: socket)?.error == 105)
            #expect(harness.loop.queued(socket) <= 200_000)
            harness.close(socket)
            #expect(peer.read(1) == .bytes([1]), "what was sent before stays sent")
            harness.expectNothingLeft()
        }
    }
}
