import Reactor
import Testing

/// All tests of the loop, one after another: some lower the process's descriptor limit or
/// measure latency.
@Suite(.serialized)
enum ReactorSuite {
    /// Both engines; every socket test runs on each. Where io_uring is missing its runs fail
    /// and say so: `EventLoop.init` throws the reason.
    static let engines: [EventEngine] = [.ioUring, .epoll]
}
