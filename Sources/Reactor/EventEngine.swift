/// The kernel interface that drives an event loop.
public enum EventEngine: String, Sendable, CaseIterable {
    /// io_uring where the kernel allows it, else epoll.
    case automatic = "auto"
    /// io_uring; `EventLoop.init` throws where the kernel refuses it.
    case ioUring = "io_uring"
    /// epoll, which every kernel has.
    case epoll
}
