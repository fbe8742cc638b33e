import Reactor
import Testing

extension ReactorSuite {
    /// Many relayed pairs whose peers do as they please, on few buffers.
    @Suite struct ChaosTests {
        /// A small generator of its own, so that a seed repeats a run's choices.
        struct Generator: RandomNumberGenerator {
            var state: UInt64

            mutating func next() -> UInt64 {
                self.state &+= 0x9e37_79b9_7f4a_7c15
                var mixed = self.state
                mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
                mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
                return mixed ^ (mixed >> 31)
            }
        }

        /// One end of a relayed pair as the test sees it.
        final class End {
            let socket: SocketID
            let peer: TestPeer
            let salt: Int
            var sent = 0
            var read = 0
            var isPeerOpen = true
            var isPaused = false
            var hasEnded = false

            init(_ pair: (SocketID, TestPeer), salt: Int) {
                self.socket = pair.0
                self.peer = pair.1
                self.salt = salt
            }

            private static let period = 65_521
            private static let pattern = (0..<(2 * period)).map { index in
                let offset = index % period
                return UInt8(truncatingIfNeeded: (offset &* 31) ^ (offset >> 8))
            }

            /// `count` bytes, from `offset` on, of what this end's peer sends.
            func bytes(_ offset: Int, _ count: Int) -> [UInt8] {
                let start = (offset + self.salt * 1009) % Self.period
                return Array(Self.pattern[start..<(start + count)])
            }
        }

        final class World {
            let harness: LoopHarness
            var ends: [End] = []
            var index: [SocketID: Int] = [:]
            var generator: Generator

            init(_ engine: EventEngine, seed: UInt64) throws {
                var limits = ReactorLimits()
                limits.receiveBufferCount = 8
                limits.receiveBufferSize = 4096
                limits.largeBufferCount = 2
                limits.largeBufferSize = 16_384
                limits.smallReceivesAfterFlow = 2
                limits.largeBufferIdleTime = 5_000_000
                limits.highWater = 20_000
                limits.lowWater = 5000
                limits.lingerTimeout = 50_000_000
                self.harness = try LoopHarness(engine, limits)
                self.generator = Generator(state: seed)
                var options = ListenOptions()
                options.accepted.socketBuffer = 4 * 1024
                let listener = try self.harness.loop.listen(
                    on: .loopback(port: 0),
                    options: options,
                    context: 0
                )
                for number in 0..<40 {
                    let end = End(try self.harness.acceptPeer(from: listener), salt: number)
                    self.index[end.socket] = number
                    self.ends.append(end)
                    self.harness.loop.receive(end.socket)
                }
                self.harness.loop.closeListener(listener)
                self.harness.onCompletion = { [unowned self] in self.happened($0, $1) }
            }

            func partner(_ number: Int) -> End { self.ends[number ^ 1] }

            func happened(_ index: Int, _ completion: Completion) {
                guard let number = self.index[completion.socket] else {
                    return
                }
                let loop = self.harness.loop
                let end = self.ends[number]
                let partner = self.partner(number)
                switch completion.kind {
                case .received:
                    self.forwardInPieces(index, completion.count, to: partner.socket)
                    if loop.isCongested(partner.socket) {
                        end.isPaused = true
                    } else {
                        loop.receive(end.socket)
                    }
                case .drained:
                    partner.isPaused = false
                    loop.receive(partner.socket)
                case .endOfFile:
                    end.hasEnded = true
                    loop.closeWrite(partner.socket)
                    if partner.hasEnded {
                        loop.close(end.socket, flushing: true)
                        loop.close(partner.socket, flushing: true)
                    }
                case .failed:
                    loop.close(end.socket, flushing: false)
                    loop.close(partner.socket, flushing: Bool.random(using: &self.generator))
                case .accepted, .connected, .closed, .released, .woken:
                    break
                }
            }

            private func forwardInPieces(_ index: Int, _ count: Int, to target: SocketID) {
                var offset = 0
                while offset < count {
                    let step = Int.random(in: 1...(count - offset), using: &self.generator)
                    if Bool.random(using: &self.generator) {
                        self.harness.loop.forward(index, offset: offset, count: step, to: target)
                    } else {
                        let bytes = unsafe UnsafeRawBufferPointer(
                            rebasing: self.harness.loop.bytes(index)[offset..<(offset + step)]
                        )
                        unsafe self.harness.loop.write(bytes, to: target)
                    }
                    offset += step
                }
            }

            /// One peer does something.
            func act() {
                let number = Int.random(in: 0..<self.ends.count, using: &self.generator)
                let end = self.ends[number]
                if !end.isPeerOpen {
                    return
                }
                switch Int.random(in: 0..<1000, using: &self.generator) {
                case 0..<500:
                    let size = Int.random(in: 1...9000, using: &self.generator)
                    end.sent += max(end.peer.send(end.bytes(end.sent, size)), 0)
                case 500..<990:
                    self.read(number)
                case 990..<994:
                    end.peer.shutdownWrite()
                case 994..<996:
                    end.isPeerOpen = false
                    end.peer.reset()
                case 996..<998:
                    end.isPeerOpen = false
                    end.peer.close()
                default:
                    self.harness.loop.close(
                        end.socket,
                        flushing: Bool.random(using: &self.generator)
                    )
                    self.harness.loop.close(self.partner(number).socket, flushing: true)
                }
            }

            /// What a peer reads is what the other one sent, from the start, without a gap.
            func read(_ number: Int) {
                let end = self.ends[number]
                let partner = self.partner(number)
                if case .bytes(let bytes) = end.peer.read(8192) {
                    #expect(bytes == partner.bytes(end.read, bytes.count))
                    end.read += bytes.count
                    #expect(end.read <= partner.sent)
                }
            }
        }

        @Test(arguments: ReactorSuite.engines, [1, 2, 3, 4] as [UInt64])
        func `whatever peers do, bytes stay in order and nothing is left`(
            engine: EventEngine,
            seed: UInt64
        ) throws {
            let world = try World(engine, seed: seed)
            for _ in 0..<200 {
                for _ in 0..<Int.random(in: 1...60, using: &world.generator) {
                    world.act()
                }
                world.harness.turn(0)
            }
            let counters = world.harness.loop.counters
            #expect(counters.bytesSent > 500_000, "the pairs had something to do")
            #expect(counters.buffersMissing > 0)
            for end in world.ends {
                world.harness.loop.close(end.socket, flushing: false)
            }
            world.harness.run("all are closed") { world.harness.loop.counters.sockets == 0 }
            for end in world.ends {
                let kinds = world.harness.kinds(of: end.socket)
                #expect(kinds.filter { $0 == .closed }.count == 1)
                #expect(kinds.last == .closed)
                #expect(kinds.filter { $0 == .failed }.count <= 1)
                #expect(kinds.filter { $0 == .endOfFile }.count <= 1)
            }
            world.harness.expectNothingLeft()
        }
    }
}
