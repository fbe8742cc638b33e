import CPerformance
import Proxy
import Reactor
import Telemetry

/// The whole data path: a worker between a client and a server, each with a thread of its own.
///
/// ## Overview
/// The worker runs on the main thread, which is the first one that callgrind writes down, and only
/// its allocations are counted. There is one client with one request under way, so every run makes
/// the same turns of the loop and the counts repeat.
struct RelayRun {
    /// The worker's port; the server has the next one.
    let port: UInt16
    let engine: EventEngine
    /// How many workers the process has. The client comes to the first one; the others sleep.
    var workers = 1

    /// Batches before the measurement: every buffer has its size then.
    private static let warmUp = 200

    /// Runs `count` transactions, of which the client sends `batch` in one piece.
    func measure(_ exchange: Exchange, batch: Int = 1, count: Int) -> Measurement {
        let server = FakePostgreSQL(port: self.port + 1, reply: exchange.replyBytes)
        let process = ProcessState(workers: self.workers)
        let worker = self.makeWorker(process, index: 0)
        let result = ClientResult()
        let run = self
        let mailbox = worker.mailbox
        do throws(ReactorError) {
            let threads = try HelperThreads(count: self.workers + 1, name: "peers")
            for index in 1..<max(self.workers, 1) {
                let isMade = Semaphore()
                let isTaken = threads.submit {
                    let other = run.makeWorker(process, index: index)
                    isMade.signal()
                    other.run()
                }
                precondition(isTaken, "the queue of new threads is full")
                isMade.wait()
            }
            let isTaken =
                threads.submit { server.serve() }
                && threads.submit {
                    result.set(run.exchangeAll(exchange, batch: batch, count: count))
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

    private func makeWorker(_ process: ProcessState, index: Int) -> Worker {
        RelayEnvironment.makeWorker(
            port: self.port,
            serverPort: self.port + 1,
            engine: self.engine,
            process: process,
            index: index
        )
    }

    private func exchangeAll(_ exchange: Exchange, batch: Int, count: Int) -> Measurement {
        var client = FakeClient(port: self.port, exchange: exchange, batch: batch)
        // Who stays connected elsewhere sends the next one to another worker.
        var strangers: [FakeClient] = []
        while client.worker != 0 {
            strangers.append(client)
            client = FakeClient(port: self.port, exchange: exchange, batch: batch)
        }
        defer { withExtendedLifetime(strangers) {} }
        for _ in 0..<Self.warmUp { client.exchange() }
        return Measurement {
            for _ in 0..<max(1, count / batch) { client.exchange() }
        }
    }
}
