import Glibc
import Testing

@testable import Reactor

extension ReactorSuite {
    @Suite struct AcceptTests {
        @Test(arguments: ReactorSuite.engines)
        func `without a descriptor accepting rests, and goes on`(engine: EventEngine) async {
            // In a process of its own: the limit is the process's, and other tests open files.
            await #expect(processExitsWith: .success) { [name = engine.rawValue as String] in
                try Self.acceptWithoutDescriptors(EventEngine(rawValue: name) ?? .automatic)
            }
        }

        private static func acceptWithoutDescriptors(_ engine: EventEngine) throws {
            let harness = try LoopHarness(engine)
            let listener = try harness.loop.listen(on: .loopback(port: 0), context: 1)
            let address = harness.loop.localAddress(of: listener)
            let peer = try TestPeer(connectingTo: address)
            let before = DescriptorLimit.current.soft
            // A limit below the descriptors in use: the next one cannot be had. (io_uring notes
            // the limit when the accept is armed, in the next turn.)
            #expect(DescriptorLimit.setSoft(3))
            harness.run("an accept fails") { harness.loop.counters.acceptErrors > 0 }
            let turns = harness.loop.counters.turns
            let errors = harness.loop.counters.acceptErrors
            let start = EventLoop.clock()
            while EventLoop.clock() - start < 350_000_000 {
                harness.turn(50)
            }
            let failures = harness.loop.counters.acceptErrors - errors
            let used = harness.loop.counters.turns - turns
            #expect(DescriptorLimit.setSoft(before))
            #expect(failures >= 2 && failures <= 4, "one try each 100 ms: \(failures)")
            #expect(used < 40, "it does not spin: \(used) turns")
            #expect(!harness.log.contains { $0.kind == .accepted })
            harness.run("it accepts again") { harness.log.contains { $0.kind == .accepted } }
            let socket = try #require(harness.log.first { $0.kind == .accepted }).socket
            peer.send([1])
            harness.loop.receive(socket)
            harness.run("the byte arrives") { harness.received[socket] == [1] }
            harness.close(socket)
            harness.loop.closeListener(listener)
            harness.expectNothingLeft()
        }

        @Test(arguments: ReactorSuite.engines)
        func `a paused listener leaves connections in the queue`(engine: EventEngine) throws {
            let harness = try LoopHarness(engine)
            let listener = try harness.loop.listen(on: .loopback(port: 0), context: 1)
            let (first, _) = try harness.acceptPeer(from: listener)
            harness.loop.pauseAccepting(listener)
            harness.turn(5)
            harness.turn(5)
            let peer = try TestPeer(connectingTo: harness.loop.localAddress(of: listener))
            harness.turn(20)
            #expect(harness.log.filter { $0.kind == .accepted }.count == 1)
            harness.loop.resumeAccepting(listener)
            harness.run("it is accepted") {
                harness.log.filter { $0.kind == .accepted }.count == 2
            }
            let second = try #require(harness.log.last { $0.kind == .accepted }).socket
            harness.close(first)
            harness.close(second)
            harness.loop.closeListener(listener)
            harness.turn(5)
            harness.turn(5)
            #expect(throws: TestPeer.Failure.self) {
                try TestPeer(connectingTo: harness.loop.remoteAddress(of: second))
            }
            harness.expectNothingLeft()
            _ = peer
        }

        @Test(arguments: ReactorSuite.engines)
        func `accepted and outgoing connections have the options`(engine: EventEngine) throws {
            let harness = try LoopHarness(engine)
            var options = ListenOptions()
            options.accepted.keepIdle = 31
            options.accepted.keepInterval = 7
            options.accepted.keepCount = 4
            options.accepted.userTimeout = 12_345
            let listener = try harness.loop.listen(
                on: .loopback(port: 0),
                options: options,
                context: 0
            )
            let out = harness.loop.connect(
                to: harness.loop.localAddress(of: listener),
                options: options.accepted,
                context: 0
            )
            harness.run("it connects") {
                harness.has(.connected, out) && harness.log.contains { $0.kind == .accepted }
            }
            let into = try #require(harness.log.first { $0.kind == .accepted }).socket
            let tcp = Int32(IPPROTO_TCP)
            for socket in [out, into] {
                let descriptor = try #require(harness.loop.descriptor(of: socket))
                #expect(Self.option(descriptor, SOL_SOCKET, SO_KEEPALIVE) == 1)
                #expect(Self.option(descriptor, tcp, TCP_NODELAY) == 1)
                #expect(Self.option(descriptor, tcp, TCP_KEEPIDLE) == 31)
                #expect(Self.option(descriptor, tcp, TCP_KEEPINTVL) == 7)
                #expect(Self.option(descriptor, tcp, TCP_KEEPCNT) == 4)
                #expect(Self.option(descriptor, tcp, TCP_USER_TIMEOUT) == 12_345)
                #expect(fcntl(descriptor, F_GETFD) & FD_CLOEXEC != 0)
                harness.close(socket)
            }
            harness.loop.closeListener(listener)
            harness.expectNothingLeft()
        }

        private static func option(_ descriptor: Int32, _ level: Int32, _ name: Int32) -> Int32 {
            var value: Int32 = -1
            var length = socklen_t(4)
            unsafe getsockopt(descriptor, level, name, &value, &length)
            return value
        }

        @Test(arguments: ReactorSuite.engines)
        func `an address in use is refused`(engine: EventEngine) throws {
            let harness = try LoopHarness(engine)
            let listener = try harness.loop.listen(on: .loopback(port: 0), context: 0)
            let address = harness.loop.localAddress(of: listener)
            #expect(throws: ReactorError.addressInUse(address)) {
                try harness.loop.listen(on: address, context: 0)
            }
            harness.loop.closeListener(listener)
            harness.turn(5)
            harness.turn(5)
            let again = try harness.loop.listen(on: address, context: 0)
            #expect(harness.loop.localAddress(of: listener) == .unix(path: ""))
            #expect(harness.loop.localAddress(of: again) == address)
        }

        @Test(arguments: ReactorSuite.engines)
        func `a storm of connections is accepted whole`(engine: EventEngine) throws {
            let harness = try LoopHarness(engine)
            var options = ListenOptions()
            options.backlog = 512
            let listener = try harness.loop.listen(
                on: .loopback(port: 0),
                options: options,
                context: 0
            )
            let address = harness.loop.localAddress(of: listener)
            var peers: [TestPeer] = []
            for _ in 0..<300 {
                peers.append(try TestPeer(connectingTo: address))
            }
            harness.run("all are accepted") { harness.loop.counters.accepts == 300 }
            let sockets = harness.log.filter { $0.kind == .accepted }.map(\.socket)
            #expect(Set(sockets).count == 300)
            for socket in sockets {
                harness.loop.close(socket, flushing: false)
            }
            harness.run("all are closed") {
                harness.log.filter { $0.kind == .closed }.count == 300
            }
            harness.loop.closeListener(listener)
            harness.expectNothingLeft()
        }
    }
}
