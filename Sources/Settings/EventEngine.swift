/// Which kernel interface the event loops use.
public enum EventEngine: String, Sendable, Equatable, CaseIterable {
    /// io_uring where the kernel allows it, else epoll.
    case auto
    /// io_uring or refuse to start.
    case ioUring = "io_uring"
    /// epoll.
    case epoll
}
