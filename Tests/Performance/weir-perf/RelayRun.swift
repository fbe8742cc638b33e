import CPerformance
import Proxy
import Reactor

/// The whole data path: a worker between a client and a server, each with a thread of its own.
///
/// ## Overview
/// The worker runs on the main thread, which is the first one that callgrind writes down, and only
/// its allocations are counted. There is one client with one request under way, so every run makes
/// the same turns of the loop and the counts repeat. The engine is epoll, since valgrind does not
/// know all of io_uring.
struct RelayRun {
    private let exchange: Exchange
    private let batch: Int
    private let port: UInt16

    /// - Parameters:
    ///   - batch: Transactions that the client sends in one piece.
    ///   - port: The worker's; the server has the next one.
    init(_ exchange: Exchange, batch: Int = 1, port: UInt16) {
        self.exchange = exchange
        self.batch = batch
        self.port = port
    }

    /// Batches before the measurement: every buffer has its size then.
    private static let warmUp = 200

    /// Runs `count` transactions.
    func measure(count: Int) -> Measurement {
        let server = FakePostgreSQL(port: self.port + 1, reply: self.exchange.replyBytes)
        let worker = RelayEnvironment.makeWorker(port: self.port, serverPort: self.port + 1)
        let result = ClientResult()
        let run = self
        let mailbox = worker.mailbox
        do throws(ReactorError) {
            let threads = try HelperThreads(count: 2, name: "peers")
            let isTaken =
                threads.submit { server.serve() }
                && threads.submit {
                    result.set(run.exchangeAll(count: count))
                    mailbox.post(.signal(.quit))
                }
            precondition(isTaken, "the queue of new threads is full")
            weir_perf_count_allocations_here()
            worker.run()
        } catch {
            WeirPerf.fail("\(error)")
        }
        guard let measurement = result.value else { WeirPerf.fail("the worker ended by itself") }
        return measurement
    }

    private func exchangeAll(count: Int) -> Measurement {
        var client = FakeClient(port: self.port, exchange: self.exchange, batch: self.batch)
        for _ in 0..<Self.warmUp { client.exchange() }
        return Measurement {
            for _ in 0..<max(1, count / self.batch) { client.exchange() }
        }
    }
}
