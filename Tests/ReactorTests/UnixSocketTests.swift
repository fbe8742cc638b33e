import Glibc
import Testing

@testable import Reactor

extension ReactorSuite {
    @Suite struct UnixSocketTests {
        private static func path(_ name: String) -> String {
            "/tmp/weir-reactor-test-\(getpid())-\(name)"
        }

        private static func mode(of path: String) -> UInt32? {
            var status = stat()
            return unsafe lstat(path, &status) == 0 ? status.st_mode & 0o777 : nil
        }

        @Test(arguments: ReactorSuite.engines)
        func `a path is listened on, and knows its peer`(engine: EventEngine) throws {
            let path = Self.path("\(engine.rawValue)")
            let harness = try LoopHarness(engine)
            var options = ListenOptions()
            options.unixMode = 0o700
            options.unixGroup = getgid()
            let listener = try harness.loop.listen(
                on: .unix(path: path),
                options: options,
                context: 0
            )
            #expect(harness.loop.localAddress(of: listener) == .unix(path: path))
            #expect(Self.mode(of: path) == 0o700)
            let (socket, peer) = try harness.acceptPeer(from: listener)
            let credentials = try #require(harness.loop.peerCredentials(socket))
            #expect(credentials.pid == getpid())
            #expect(credentials.uid == getuid())
            #expect(credentials.gid == getgid())
            #expect(harness.loop.localAddress(of: socket) == .unix(path: path))
            #expect(harness.loop.remoteAddress(of: socket) == .unix(path: ""))
            peer.send([1, 2])
            harness.loop.receive(socket)
            harness.run("the bytes arrive") { harness.received[socket] == [1, 2] }

            let out = harness.loop.connect(to: .unix(path: path), context: 3)
            harness.run("it connects") { harness.has(.connected, out) }
            harness.run("and is accepted") {
                harness.log.filter { $0.kind == .accepted }.count == 2
            }
            for accepted in harness.log where accepted.kind == .accepted {
                harness.close(accepted.socket)
            }
            harness.close(out)
            harness.loop.closeListener(listener)
            harness.turn(5)
            harness.turn(5)
            #expect(Self.mode(of: path) == nil, "the file is gone")
            harness.expectNothingLeft()
        }

        @Test(arguments: ReactorSuite.engines)
        func `an abandoned file is taken over, a living one is not`(engine: EventEngine) throws {
            let path = Self.path("stale-\(engine.rawValue)")
            let dead = try TestPeer.makeSocket(.unix(path: path))
            let outcome = unsafe SocketAddress.unix(path: path).withSocketAddress {
                unsafe bind(dead, $0, $1)
            }
            #expect(outcome == 0 && Glibc.listen(dead, 1) == 0)
            let harness = try LoopHarness(engine)
            #expect(throws: ReactorError.addressInUse(.unix(path: path))) {
                try harness.loop.listen(on: .unix(path: path), context: 0)
            }
            Glibc.close(dead)
            let listener = try harness.loop.listen(on: .unix(path: path), context: 0)
            let (socket, _) = try harness.acceptPeer(from: listener)
            // Somebody else has put a file of the same name there: it is not ours to remove.
            unsafe unlink(path)
            let other = try TestPeer.makeSocket(.unix(path: path))
            defer { Glibc.close(other) }
            _ = unsafe SocketAddress.unix(path: path).withSocketAddress {
                unsafe bind(other, $0, $1)
            }
            harness.loop.closeListener(listener)
            harness.turn(5)
            harness.turn(5)
            #expect(Self.mode(of: path) != nil, "the other's file is still there")
            unsafe unlink(path)
            harness.close(socket)
            harness.expectNothingLeft()
        }

        @Test(arguments: ReactorSuite.engines)
        func `an abstract name works without a file`(engine: EventEngine) throws {
            let name = "@weir-reactor-test-\(getpid())-\(engine.rawValue)"
            let harness = try LoopHarness(engine)
            let listener = try harness.loop.listen(on: .unix(path: name), context: 0)
            #expect(harness.loop.localAddress(of: listener) == .unix(path: name))
            let (socket, peer) = try harness.acceptPeer(from: listener)
            peer.send([4])
            harness.loop.receive(socket)
            harness.run("the byte arrives") { harness.received[socket] == [4] }
            let out = harness.loop.connect(to: .unix(path: name), context: 0)
            harness.run("it connects") { harness.has(.connected, out) }
            #expect(harness.loop.remoteAddress(of: out) == .unix(path: name))
            harness.run("and is accepted") {
                harness.log.filter { $0.kind == .accepted }.count == 2
            }
            for accepted in harness.log where accepted.kind == .accepted {
                harness.close(accepted.socket)
            }
            harness.close(out)
            harness.loop.closeListener(listener)
            harness.expectNothingLeft()
        }

        @Test(arguments: ReactorSuite.engines)
        func `a path too long is refused`(engine: EventEngine) throws {
            let harness = try LoopHarness(engine)
            let path = "/tmp/" + String(repeating: "x", count: 120)
            #expect(throws: ReactorError.pathTooLong(path)) {
                try harness.loop.listen(on: .unix(path: path), context: 0)
            }
        }
    }
}
