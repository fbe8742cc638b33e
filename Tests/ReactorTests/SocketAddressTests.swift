import Testing

@testable import Reactor

@Suite struct SocketAddressTests {
    @Test(arguments: [
        ("127.0.0.1:6432", SocketAddress.ipv4(0x7f00_0001, port: 6432)),
        ("0.0.0.0:0", .ipv4(0, port: 0)),
        ("255.1.2.3:65535", .ipv4(0xff01_0203, port: 65535)),
        ("[::1]:6432", .ipv6(high: 0, low: 1, scope: 0, port: 6432)),
        ("[2001:db8::ff]:1", .ipv6(high: 0x2001_0db8_0000_0000, low: 0xff, scope: 0, port: 1)),
        ("[fe80::1%3]:1", .ipv6(high: 0xfe80_0000_0000_0000, low: 1, scope: 3, port: 1)),
        ("unix:/tmp/.s.PGSQL.6432", .unix(path: "/tmp/.s.PGSQL.6432")),
        ("unix:@weir", .unix(path: "@weir")),
    ])
    func `text and address are the same`(text: String, address: SocketAddress) {
        #expect(SocketAddress(parsing: text) == address)
        #expect(address.description == text)
    }

    @Test(arguments: [
        "", ":", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "::1:6432",
        "[::1]", "[::1:5", "localhost:5432", "1.2.3:4", "[fe80::1%nosuchinterface]:1",
        "[127.0.0.1]x:5",
    ])
    func `other text is refused`(text: String) {
        #expect(SocketAddress(parsing: text) == nil)
    }

    @Test(arguments: [
        SocketAddress.ipv4(0x0102_0304, port: 5),
        .ipv6(high: 0x0102_0304_0506_0708, low: 0x090a_0b0c_0d0e_0f10, scope: 9, port: 11),
        .unix(path: "/a/b"),
        .unix(path: "@a"),
        .unix(path: ""),
    ])
    func `the kernel's form comes back the same`(address: SocketAddress) {
        #expect(Self.roundTrip(address) == address)
    }

    @Test func `an IPv4 address in IPv6 clothes becomes IPv4`() {
        let mapped = SocketAddress.ipv6(high: 0, low: 0xffff_0102_0304, scope: 0, port: 7)
        #expect(Self.roundTrip(mapped) == .ipv4(0x0102_0304, port: 7))
    }

    @Test func `host and port`() {
        #expect(SocketAddress.loopback(port: 9).host == "127.0.0.1")
        #expect(SocketAddress.loopback(port: 9).port == 9)
        #expect(SocketAddress.ipv6(high: 0, low: 1, scope: 0, port: 9).host == "::1")
        #expect(SocketAddress.unix(path: "/x").port == 0)
        #expect(SocketAddress.unix(path: "/x").isUnix)
        #expect(SocketAddress.loopback(port: 1).hasSameHost(as: .loopback(port: 2)))
        #expect(!SocketAddress.loopback(port: 1).hasSameHost(as: .anyIPv4(port: 1)))
    }

    private static func roundTrip(_ address: SocketAddress) -> SocketAddress? {
        unsafe SocketAddress { pointer, length in
            unsafe address.withSocketAddress { source, size in
                unsafe UnsafeMutableRawPointer(pointer)
                    .copyMemory(from: source, byteCount: Int(size))
                unsafe length.pointee = size
                return 0
            }
        }
    }
}
