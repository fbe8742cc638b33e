import Glibc
import Reactor
import Testing

/// Runs a loop step by step for a test, and keeps what came.
final class LoopHarness {
    let loop: EventLoop
    /// Completions in order, `.woken` without a reason left out.
    private(set) var log: [Completion] = []
    /// Bytes per socket.
    private(set) var received: [SocketID: [UInt8]] = [:]
    /// What to do with each completion, on top of keeping it.
    var onCompletion: ((Int, Completion) -> Void)?

    init(_ engine: EventEngine, _ limits: ReactorLimits = ReactorLimits()) throws {
        self.loop = try EventLoop(engine: engine, limits: limits)
        #expect(self.loop.engine == engine)
    }

    /// One turn of at most `milliseconds`.
    func turn(_ milliseconds: Int64 = 20) {
        // 0 means the loop's own past: it looks and does not wait.
        let start = milliseconds == 0 ? self.loop.now : EventLoop.clock()
        let count = self.loop.turn(until: start + milliseconds * 1_000_000)
        for index in 0..<count {
            let completion = self.loop.completion(index)
            self.log.append(completion)
            if completion.kind == .received {
                let bytes = unsafe [UInt8](self.loop.bytes(index))
                #expect(bytes.count == completion.count)
                self.received[completion.socket, default: []] += bytes
            }
            self.onCompletion?(index, completion)
        }
    }

    /// Turns until `condition` holds; an issue is recorded if it does not within 5 s.
    func run(
        _ what: Comment,
        sourceLocation: SourceLocation = #_sourceLocation,
        until condition: () -> Bool
    ) {
        let deadline = EventLoop.clock() + 5_000_000_000
        while !condition() {
            if EventLoop.clock() > deadline {
                Issue.record("never: \(what)", sourceLocation: sourceLocation)
                return
            }
            self.turn(1)
        }
    }

    func has(_ kind: Completion.Kind, _ socket: SocketID) -> Bool {
        self.log.contains { $0.kind == kind && $0.socket == socket }
    }

    func kinds(of socket: SocketID) -> [Completion.Kind] {
        self.log.filter { $0.socket == socket }.map(\.kind)
    }

    func completion(_ kind: Completion.Kind, of socket: SocketID) -> Completion? {
        self.log.first { $0.kind == kind && $0.socket == socket }
    }

    func write(_ bytes: [UInt8], to socket: SocketID) {
        unsafe bytes.withUnsafeBytes { unsafe self.loop.write($0, to: socket) }
    }

    /// Listens on a free loopback port and returns a connected pair: the loop's end and ours.
    func acceptPeer(_ options: ListenOptions = ListenOptions()) throws -> (SocketID, TestPeer) {
        let listener = try self.loop.listen(
            on: .loopback(port: 0),
            options: options,
            context: 7
        )
        let pair = try self.acceptPeer(from: listener)
        self.loop.closeListener(listener)
        return pair
    }

    func acceptPeer(from listener: ListenerID) throws -> (SocketID, TestPeer) {
        let before = self.log.count
        let peer = try TestPeer(connectingTo: self.loop.localAddress(of: listener))
        self.run("a connection is accepted") {
            self.log[before...].contains { $0.kind == .accepted }
        }
        let socket = self.log[before...].first { $0.kind == .accepted }?.socket ?? .none
        return (socket, peer)
    }

    /// Makes the kernel take little output of a socket at a time, and input as before.
    func narrowOutput(of socket: SocketID) {
        var size: Int32 = 8 * 1024
        let descriptor = self.loop.descriptor(of: socket) ?? -1
        let outcome = unsafe setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &size, 4)
        #expect(outcome == 0)
    }

    /// Closes a socket and waits for its `.closed`.
    func close(_ socket: SocketID, flushing: Bool = false) {
        self.loop.close(socket, flushing: flushing)
        self.run("the socket is closed") { self.has(.closed, socket) }
    }

    /// What must hold when nothing is under way any more.
    func expectNothingLeft(sourceLocation: SourceLocation = #_sourceLocation) {
        self.turn(0)
        let counters = self.loop.counters
        #expect(counters.sockets == 0, sourceLocation: sourceLocation)
        #expect(counters.buffersInUse == 0, sourceLocation: sourceLocation)
        #expect(counters.largeBuffersInUse == 0, sourceLocation: sourceLocation)
        #expect(counters.largeBuffersHeld == 0, sourceLocation: sourceLocation)
        #expect(counters.buffersHeld == 0, sourceLocation: sourceLocation)
        #expect(counters.parked == 0, sourceLocation: sourceLocation)
        #expect(counters.outputMemory == 0, sourceLocation: sourceLocation)
    }
}
