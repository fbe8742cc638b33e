import Glibc

@testable import Reactor

/// The other end of a connection: a plain non-blocking socket that a test drives by hand.
final class TestPeer {
    let descriptor: Int32
    private var isOpen = true

    struct Failure: Error {
        let call: String
        let errno: Int32
    }

    /// Connects; a small receive buffer makes a slow reader slow soon.
    init(connectingTo address: SocketAddress, receiveBuffer: Int32 = 0) throws {
        self.descriptor = try Self.makeSocket(address)
        if receiveBuffer > 0 {
            var size = receiveBuffer
            unsafe setsockopt(self.descriptor, SOL_SOCKET, SO_RCVBUF, &size, 4)
        }
        let outcome = unsafe address.withSocketAddress { pointer, length in
            unsafe connect(self.descriptor, pointer, length)
        }
        if outcome != 0 {
            throw Failure(call: "connect", errno: errno)
        }
        try self.finishSetup()
    }

    /// Takes over a descriptor.
    init(descriptor: Int32) throws {
        self.descriptor = descriptor
        try self.finishSetup()
    }

    deinit {
        self.close()
    }

    private func finishSetup() throws {
        let flags = fcntl(self.descriptor, F_GETFL)
        if fcntl(self.descriptor, F_SETFL, flags | O_NONBLOCK) != 0 {
            throw Failure(call: "fcntl", errno: errno)
        }
    }

    static func makeSocket(_ address: SocketAddress) throws -> Int32 {
        let descriptor = socket(address.family, Int32(SOCK_STREAM.rawValue), 0)
        if descriptor < 0 {
            throw Failure(call: "socket", errno: errno)
        }
        return descriptor
    }

    /// Sends as much as the kernel takes; returns how much.
    @discardableResult
    func send(_ bytes: [UInt8]) -> Int {
        unsafe bytes.withUnsafeBytes { raw in
            unsafe Glibc.send(self.descriptor, raw.baseAddress, raw.count, Int32(MSG_NOSIGNAL))
        }
    }

    enum Reading: Equatable {
        case bytes([UInt8])
        case nothing
        case endOfFile
        case failed(Int32)
    }

    /// One receive, which never waits.
    func read(_ most: Int = 65_536) -> Reading {
        var buffer = [UInt8](repeating: 0, count: most)
        let count = unsafe buffer.withUnsafeMutableBytes { raw in
            unsafe recv(self.descriptor, raw.baseAddress, raw.count, 0)
        }
        if count > 0 {
            return .bytes(Array(buffer[..<count]))
        }
        if count == 0 {
            return .endOfFile
        }
        return errno == EAGAIN ? .nothing : .failed(errno)
    }

    /// Everything that is there, appended; returns whether the end was seen.
    func drain(into bytes: inout [UInt8]) -> Bool {
        while true {
            switch self.read() {
            case .bytes(let more): bytes += more
            case .nothing: return false
            case .endOfFile, .failed: return true
            }
        }
    }

    func shutdownWrite() {
        Glibc.shutdown(self.descriptor, Int32(SHUT_WR))
    }

    func close() {
        if self.isOpen {
            self.isOpen = false
            _ = Glibc.close(self.descriptor)
        }
    }

    /// Closes so that the other side gets an RST.
    func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        unsafe setsockopt(
            self.descriptor,
            SOL_SOCKET,
            SO_LINGER,
            &option,
            socklen_t(MemoryLayout<linger>.size)
        )
        self.close()
    }
}
