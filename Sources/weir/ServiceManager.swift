import Glibc

/// systemd, or whoever else listens on `NOTIFY_SOCKET` (`Type=notify`, see sd_notify(3)).
enum ServiceManager {
    /// What it is told.
    enum Message: String {
        case ready = "READY=1"
        case stopping = "STOPPING=1"
    }

    /// Tells it, if there is one. Who does not listen is not waited for.
    static func notify(_ message: Message) {
        guard let path = EnvironmentVariables.value(of: "NOTIFY_SOCKET") else { return }
        var name = Array(path.utf8)
        // An abstract socket is written with @ and has a zero byte in its place.
        if name.first == UInt8(ascii: "@") { name[0] = 0 }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let isTaken = unsafe withUnsafeMutableBytes(of: &address.sun_path) { place in
            // A path needs its zero byte at the end, which is there already.
            guard name.count < place.count else { return false }
            unsafe place.copyBytes(from: name)
            return true
        }
        guard isTaken, let offset = MemoryLayout<sockaddr_un>.offset(of: \.sun_path) else { return }
        let descriptor = socket(
            AF_UNIX,
            Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue),
            0
        )
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let bytes = Array(message.rawValue.utf8)
        let length = socklen_t(offset + name.count)
        _ = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe sendto(
                    descriptor,
                    bytes,
                    bytes.count,
                    Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT),
                    address,
                    length
                )
            }
        }
    }
}
