import Glibc
import Testing

@testable import Reactor

extension ReactorSuite {
    @Suite struct ConnectTests {
        @Test(arguments: ReactorSuite.engines)
        func `a connection to ourselves carries bytes both ways`(engine: EventEngine) throws {
            let harness = try LoopHarness(engine)
            let listener = try harness.loop.listen(on: .loopback(port: 0), context: 1)
            let address = harness.loop.localAddress(of: listener)
            let out = harness.loop.connect(to: address, context: 2)
            // Both are asked for before the connection stands.
            harness.loop.receive(out)
            harness.write([1, 2], to: out)
            harness.run("both ends are there") {
                harness.has(.connected, out) && harness.log.contains { $0.kind == .accepted }
            }
            #expect(harness.completion(.connected, of: out)?.context == 2)
            let into = try #require(harness.log.first { $0.kind == .accepted }).socket
            #expect(harness.loop.remoteAddress(of: out) == address)
            #expect(harness.loop.localAddress(of: out) == harness.loop.remoteAddress(of: into))
            #expect(harness.loop.peerCredentials(out) == nil)
            harness.loop.receive(into)
            harness.run("the bytes arrive") { harness.received[into] == [1, 2] }
            harness.write([3], to: into)
            harness.run("and back") { harness.received[out] == [3] }
            harness.close(out)
            harness.close(into)
            harness.loop.closeListener(listener)
            harness.expectNothingLeft()
        }

        @Test(arguments: ReactorSuite.engines)
        func `a refused connection fails later and says why`(engine: EventEngine) throws {
            let harness = try LoopHarness(engine)
            let listener = try harness.loop.listen(on: .loopback(port: 0), context: 1)
            let address = harness.loop.localAddress(of: listener)
            harness.loop.closeListener(listener)
            harness.turn(5)
            let out = harness.loop.connect(to: address, context: 5)
            #expect(out != .none)
            #expect(harness.log.isEmpty)
            harness.run("it fails") { harness.has(.failed, out) }
            let failure = try #require(harness.completion(.failed, of: out))
            #expect(failure.error == ECONNREFUSED)
            #expect(failure.context == 5)

            let missing = harness.loop.connect(to: .unix(path: "/nowhere/x"), context: 6)
            harness.run("it fails") { harness.has(.failed, missing) }
            #expect(harness.completion(.failed, of: missing)?.error == ENOENT)

            let long = String(repeating: "x", count: 200)
            let tooLong = harness.loop.connect(to: .unix(path: long), context: 7)
            harness.run("it fails") { harness.has(.failed, tooLong) }
            #expect(harness.completion(.failed, of: tooLong)?.error == ENAMETOOLONG)

            for socket in [out, missing, tooLong] {
                harness.close(socket)
                #expect(harness.kinds(of: socket) == [.failed, .closed])
            }
            harness.expectNothingLeft()
        }

        @Test(arguments: ReactorSuite.engines)
        func `closing a connection that is being made ends it`(engine: EventEngine) throws {
            let harness = try LoopHarness(engine)
            // Never accepted from, and full after a few: further connections hang.
            let full = try TestPeer.makeSocket(.loopback(port: 0))
            defer { Glibc.close(full) }
            let address = try Self.listen(full)
            var fillers: [SocketID] = []
            for _ in 0..<4 {
                fillers.append(harness.loop.connect(to: address, context: 0))
            }
            harness.turn(50)
            let hanging = harness.loop.connect(to: address, context: 0)
            let unsent = harness.loop.connect(to: address, context: 0)
            harness.loop.close(unsent, flushing: true)
            harness.turn(50)
            #expect(!harness.has(.connected, hanging))
            harness.close(hanging)
            #expect(harness.kinds(of: hanging) == [.closed])
            harness.run("the one that never began is closed too") {
                harness.has(.closed, unsent)
            }
            for socket in fillers {
                harness.close(socket)
            }
            harness.expectNothingLeft()
        }

        private static func listen(_ descriptor: Int32) throws -> SocketAddress {
            let outcome = unsafe SocketAddress.loopback(port: 0).withSocketAddress {
                unsafe bind(descriptor, $0, $1)
            }
            #expect(outcome == 0 && Glibc.listen(descriptor, 0) == 0)
            var address = sockaddr_in()
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            unsafe withUnsafeMutablePointer(to: &address) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    _ = unsafe getsockname(descriptor, $0, &length)
                }
            }
            return .loopback(port: UInt16(bigEndian: address.sin_port))
        }

        @Test(arguments: ReactorSuite.engines)
        func `a full table refuses connections with a completion`(engine: EventEngine) throws {
            var limits = ReactorLimits()
            limits.maxSockets = 2
            let harness = try LoopHarness(engine, limits)
            let listener = try harness.loop.listen(on: .loopback(port: 0), context: 1)
            let (socket, _) = try harness.acceptPeer(from: listener)
            let (other, otherPeer) = try harness.acceptPeer(from: listener)
            let refused = harness.loop.connect(to: .loopback(port: 1), context: 77)
            #expect(refused == .none)
            harness.run("the refusal is told") {
                harness.log.contains { $0.kind == .failed && $0.context == 77 }
            }
            let third = try TestPeer(connectingTo: harness.loop.localAddress(of: listener))
            harness.run("an accept finds no place") {
                harness.loop.counters.acceptErrors > 0
            }
            harness.close(other)
            otherPeer.close()
            // The listener rests and then accepts again; the third peer was turned away.
            let (next, nextPeer) = try harness.acceptPeer(from: listener)
            #expect(third.read() == .endOfFile)
            nextPeer.send([1])
            harness.loop.receive(next)
            harness.run("it works") { harness.received[next] == [1] }
            harness.close(next)
            harness.close(socket)
            harness.loop.closeListener(listener)
            harness.expectNothingLeft()
        }
    }
}
