import Glibc

/// A blocking TCP connection over loopback; whatever goes wrong with it ends the program.
struct Stream: Sendable {
    private let descriptor: Int32

    private init(descriptor: Int32) {
        self.descriptor = descriptor
        var on: Int32 = 1
        let size = socklen_t(MemoryLayout<Int32>.size)
        _ = unsafe setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, size)
    }

    /// Connects to a port of this machine.
    init(connectingTo port: UInt16) {
        self.init(descriptor: Self.makeSocket())
        let outcome = unsafe Self.withAddress(port) { unsafe connect(self.descriptor, $0, $1) }
        if outcome != 0 { WeirPerf.fail("cannot connect to port \(port): errno \(errno)") }
    }

    /// Listens on a port of this machine.
    static func listen(on port: UInt16) -> Int32 {
        let descriptor = self.makeSocket()
        var on: Int32 = 1
        let size = socklen_t(MemoryLayout<Int32>.size)
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, size)
        let outcome = unsafe self.withAddress(port) { unsafe bind(descriptor, $0, $1) }
        guard outcome == 0, Glibc.listen(descriptor, 16) == 0 else {
            WeirPerf.fail("cannot listen on port \(port): errno \(errno)")
        }
        return descriptor
    }

    /// The next connection of a listener.
    static func accept(from listener: Int32) -> Stream {
        let descriptor = Glibc.accept(listener, nil, nil)
        if descriptor < 0 { WeirPerf.fail("cannot accept: errno \(errno)") }
        return Stream(descriptor: descriptor)
    }

    private static func makeSocket() -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        if descriptor < 0 { WeirPerf.fail("no socket: errno \(errno)") }
        return descriptor
    }

    private static func withAddress(
        _ port: UInt16,
        _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let length = socklen_t(MemoryLayout<sockaddr_in>.size)
        return unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe body($0, length)
            }
        }
    }

    /// Sends all of `bytes`, in one piece as long as the kernel has room.
    func send(_ bytes: [UInt8]) {
        var sent = 0
        while sent < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { memory in
                let rest = unsafe memory.baseAddress! + sent
                return unsafe Glibc.send(
                    self.descriptor,
                    rest,
                    bytes.count - sent,
                    Int32(MSG_NOSIGNAL)
                )
            }
            if count <= 0 { WeirPerf.fail("cannot send: errno \(errno)") }
            sent += count
        }
    }

    /// Appends what has come; false at the end.
    func receive(into bytes: inout [UInt8]) -> Bool {
        let count = unsafe withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 16) {
            let count = unsafe recv(self.descriptor, $0.baseAddress, $0.count, 0)
            if count > 0 { unsafe bytes.append(contentsOf: $0[..<count]) }
            return count
        }
        return count > 0
    }

    /// Waits for `count` bytes more than `bytes` has.
    func receive(_ count: Int, into bytes: inout [UInt8]) {
        let wanted = bytes.count + count
        while bytes.count < wanted {
            if !self.receive(into: &bytes) { WeirPerf.fail("the pooler has hung up") }
        }
    }
}
