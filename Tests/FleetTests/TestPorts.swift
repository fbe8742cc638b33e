import Foundation
import Locking

/// Ports that tests may listen on: those of `WEIR_TEST_PORTS`, from the upper end.
enum TestPorts {
    private static let range: ClosedRange<Int> = {
        let text = ProcessInfo.processInfo.environment["WEIR_TEST_PORTS"] ?? "25500-25599"
        let ends = text.split(separator: "-").compactMap { Int($0) }
        return ends.count == 2 && ends[0] <= ends[1] ? ends[0]...ends[1] : 25500...25599
    }()
    private static let last = Locked(Self.range.upperBound + 1)

    /// One that was not given out yet and that nobody listens on.
    static func next() throws -> Int {
        try Self.last.withLock { last in
            while last > Self.range.lowerBound {
                last -= 1
                if Self.isFree(last) { return last }
            }
            throw TestFailure("no free port left in WEIR_TEST_PORTS")
        }
    }

    private static func isFree(_ port: Int) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var reuse: Int32 = 1
        let size = socklen_t(MemoryLayout<Int32>.size)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &reuse, size)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        let length = socklen_t(MemoryLayout<sockaddr_in>.size)
        return unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(descriptor, $0, length) == 0
            }
        }
    }
}
