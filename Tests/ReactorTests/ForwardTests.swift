import Reactor
import Testing

extension ReactorSuite {
    @Suite struct ForwardTests {
        /// Fills a target whose peer does not read with bytes of a source, until both the
        /// kernel and the queue are full.
        private static func stall(
            _ harness: LoopHarness
        ) throws -> (source: (SocketID, TestPeer), target: (SocketID, TestPeer), bytes: [UInt8]) {
            let source = try harness.acceptPeer()
            var options = ListenOptions()
            options.accepted.socketBuffer = 8 * 1024
            let target = try harness.acceptPeer(options)
            harness.onCompletion = { index, completion in
                if completion.kind == .received && completion.socket == source.0 {
                    harness.loop.forward(index, offset: 0, count: completion.count, to: target.0)
                    if !harness.loop.isCongested(target.0) {
                        harness.loop.receive(source.0)
                    }
                }
            }
            harness.loop.receive(source.0)
            var bytes: [UInt8] = []
            harness.run("the target is congested and holds buffers") {
                let block = (0..<8192).map { UInt8(truncatingIfNeeded: $0 / 5 + bytes.count) }
                let sent = source.1.send(block)
                bytes += block[..<max(sent, 0)]
                return harness.loop.isCongested(target.0)
                    && harness.loop.counters.buffersHeld > 0
            }
            return (source, target, bytes)
        }

        @Test(arguments: ReactorSuite.engines)
        func `the target is closed in mid-send`(engine: EventEngine) throws {
            let harness = try LoopHarness(engine)
            let (source, target, _) = try Self.stall(harness)
            harness.close(target.0)
            #expect(harness.loop.counters.buffersHeld == 0)
            harness.close(source.0)
            harness.expectNothingLeft()
        }

        @Test(arguments: ReactorSuite.engines)
        func `the source is closed in mid-send and the target still gets every byte`(
            engine: EventEngine
        ) throws {
            let harness = try LoopHarness(engine)
            let (source, target, sent) = try Self.stall(harness)
            let queuedOrSent =
                harness.loop.counters.bytesSent + harness.loop.queued(target.0)
            harness.close(source.0)
            harness.loop.close(target.0, flushing: true)
            var read: [UInt8] = []
            harness.run("all that was forwarded arrives, then the end") {
                target.1.drain(into: &read)
            }
            #expect(read.count == queuedOrSent)
            #expect(read == Array(sent[..<min(read.count, sent.count)]))
            target.1.close()
            harness.run("it is closed") { harness.has(.closed, target.0) }
            #expect(harness.completion(.closed, of: target.0)?.error == 0)
            harness.expectNothingLeft()
        }

        @Test(arguments: ReactorSuite.engines)
        func `the target's peer resets in mid-send`(engine: EventEngine) throws {
            let harness = try LoopHarness(engine)
            let (source, target, _) = try Self.stall(harness)
            target.1.reset()
            harness.run("it fails") { harness.has(.failed, target.0) }
            #expect(harness.loop.queued(target.0) == 0)
            harness.close(target.0, flushing: true)
            harness.close(source.0)
            harness.expectNothingLeft()
        }

        @Test(arguments: ReactorSuite.engines)
        func `one completion goes to many sockets`(engine: EventEngine) throws {
            let harness = try LoopHarness(engine)
            let (source, writer) = try harness.acceptPeer()
            var targets: [(SocketID, TestPeer)] = []
            for _ in 0..<10 {
                targets.append(try harness.acceptPeer())
            }
            let bytes = (0..<12_000).map { UInt8(truncatingIfNeeded: $0 / 11) }
            writer.send(bytes)
            harness.run("the bytes wait in the kernel") {
                harness.loop.unreadBytes(source) == bytes.count
            }
            harness.onCompletion = { index, completion in
                if completion.kind == .received {
                    for (number, target) in targets.enumerated() {
                        harness.loop.forward(
                            index,
                            offset: number * 1000,
                            count: number * 300,
                            to: target.0
                        )
                    }
                }
            }
            harness.loop.receive(source)
            for (number, target) in targets.enumerated() {
                var read: [UInt8] = []
                harness.run("target \(number) gets its range") {
                    _ = target.1.drain(into: &read)
                    return harness.has(.received, source) && read.count == number * 300
                }
                #expect(read == Array(bytes[(number * 1000)..<(number * 1300)]))
                harness.close(target.0)
            }
            harness.close(source)
            harness.expectNothingLeft()
        }
    }
}
