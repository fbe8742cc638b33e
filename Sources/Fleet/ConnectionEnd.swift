internal import Glibc
internal import Pooling

/// The end of a connection, as the server's side makes it: PostgreSQL closes when the session has
/// left its list.
struct ConnectionEnd: ~Copyable {
    /// Keeps the connection open when its owner closes it; -1 for none.
    private let descriptor: Int32

    /// Of no connection.
    init() { self.descriptor = -1 }

    init(of descriptor: Int32) { self.descriptor = fcntl(descriptor, F_DUPFD_CLOEXEC, 0) }

    deinit { if self.descriptor >= 0 { close(self.descriptor) } }

    /// Waits until the server closes, or for that long; what it says before is for nobody.
    borrowing func wait(until deadline: Instant) {
        guard self.descriptor >= 0 else { return }
        var entry = pollfd(fd: self.descriptor, events: Int16(POLLIN), revents: 0)
        var bytes = [UInt8](repeating: 0, count: 512)
        while true {
            let left = deadline - BootClock.now
            guard left > 0 else { return }
            let count = unsafe poll(&entry, 1, Int32(clamping: left / 1_000_000 + 1))
            if count < 0, errno != EINTR { return }
            guard count > 0 else { continue }
            let read = unsafe recv(
                self.descriptor,
                &bytes,
                bytes.count,
                Int32(MSG_DONTWAIT)
            )
            if read == 0 || (read < 0 && errno != EAGAIN && errno != EINTR) { return }
        }
    }
}
