import CLinux
import Glibc

/// getaddrinfo(3): waits, so it runs on helper threads only.
enum NameService {
    static func addresses(of host: String) -> Result<[SocketAddress], ResolveError> {
        var hints = unsafe addrinfo()
        unsafe hints.ai_family = AF_UNSPEC
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var first: UnsafeMutablePointer<addrinfo>?
        let outcome = unsafe getaddrinfo(host, nil, &hints, &first)
        if outcome == EAI_NONAME {
            return .failure(.notFound(host: host))
        }
        if outcome != 0 {
            let reason = unsafe String(cString: gai_strerror(outcome))
            return .failure(.failed(host: host, reason: reason))
        }
        defer { unsafe freeaddrinfo(first) }
        let found = unsafe self.list(first)
        return found.isEmpty ? .failure(.notFound(host: host)) : .success(found)
    }

    private static func list(_ first: UnsafeMutablePointer<addrinfo>?) -> [SocketAddress] {
        var found: [SocketAddress] = []
        var next = unsafe first
        while let info = unsafe next {
            if let address = unsafe info.pointee.ai_addr {
                var storage = sockaddr_storage()
                let length = unsafe min(
                    Int(info.pointee.ai_addrlen),
                    MemoryLayout<sockaddr_storage>.size
                )
                unsafe withUnsafeMutableBytes(of: &storage) { raw in
                    unsafe raw.copyMemory(
                        from: UnsafeRawBufferPointer(start: address, count: length)
                    )
                }
                if let parsed = unsafe SocketAddress(storage: &storage, length: length),
                    !found.contains(parsed)
                {
                    found.append(parsed)
                }
            }
            unsafe next = info.pointee.ai_next
        }
        return found
    }
}
