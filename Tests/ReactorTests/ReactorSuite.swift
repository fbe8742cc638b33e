import Reactor
import Testing

/// All tests that open descriptors, one after another: one of them lowers the process's
/// descriptor limit, others measure latency.
@Suite(.serialized)
enum ReactorSuite {
    /// Both engines; every socket test runs on each. Where io_uring is missing its runs fail
    /// and say so: `EventLoop.init` throws the reason.
    static let engines: [EventEngine] = [.ioUring, .epoll]
}
