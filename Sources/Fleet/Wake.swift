internal import CLinux
internal import Glibc
internal import Pooling

/// Ends another thread's wait: an eventfd, which `poll` can wait for beside a socket.
@safe
final class Wake: Sendable {
    private let descriptor: Int32

    init() {
        self.descriptor = eventfd(0, Int32(EFD_NONBLOCK) | Int32(EFD_CLOEXEC))
        precondition(self.descriptor >= 0, "no descriptor is left for a thread of the fleet's")
    }

    deinit { close(self.descriptor) }

    /// Ends the wait that goes on, or the next one.
    func signal() {
        var one: UInt64 = 1
        unsafe write(self.descriptor, &one, MemoryLayout<UInt64>.size)
    }

    /// Waits for a signal, for input at `socket`, or until `deadline`.
    ///
    /// - Parameter socket: a descriptor, or -1 for none.
    /// - Returns: whether there is something at the socket: input, its end or an error.
    func wait(orFor socket: Int32 = -1, until deadline: Instant) -> Bool {
        var entries = [
            pollfd(fd: self.descriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: socket, events: Int16(POLLIN), revents: 0),
        ]
        let now = BootClock.now
        let left = deadline <= now ? 0 : min(deadline - now, Self.longest)
        let milliseconds = Int32((left + 999_999) / 1_000_000)
        guard unsafe poll(&entries, 2, milliseconds) > 0 else { return false }
        if entries[0].revents != 0 {
            var count: UInt64 = 0
            unsafe read(self.descriptor, &count, MemoryLayout<UInt64>.size)
        }
        return entries[1].revents != 0
    }

    /// A wait ends now and then by itself: the kernel's timers stand still while a machine sleeps,
    /// and the deadlines do not.
    private static let longest: Nanoseconds = 1_000_000_000
}
