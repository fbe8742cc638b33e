import Locking
import Proxy
import Reactor
import Telemetry

/// A worker and the thread that it belongs to: it is made there and runs there until it has ended.
final class WorkerThread: Sendable {
    private let isReady = Semaphore()
    private let hasEnded = Semaphore()
    private let failure = Locked<ReactorError?>(nil)

    /// Starts the thread of the worker `index`, which `make` makes.
    ///
    /// - Throws: when there is no further thread.
    init(
        starting index: Int,
        _ make: @escaping @Sendable () throws(ReactorError) -> Worker
    ) throws(ReactorError) {
        let thread = try HelperThreads(count: 1, name: "worker-\(index)")
        let isTaken = thread.submit {
            // Held by its own job: letting go of it would drop a job that has not begun.
            withExtendedLifetime(thread) { () -> Void in self.serve(make) }
        }
        precondition(isTaken, "a new thread's queue is full")
    }

    private func serve(_ make: () throws(ReactorError) -> Worker) {
        do throws(ReactorError) {
            let worker = try make()
            self.isReady.signal()
            worker.run()
        } catch {
            self.failure.withLock { $0 = error }
            self.isReady.signal()
        }
        self.hasEnded.signal()
    }

    /// Waits until the worker has been made.
    ///
    /// - Throws: what has kept it from being made.
    func waitUntilReady() throws(ReactorError) {
        self.isReady.wait()
        if let failure = self.failure.withLock({ $0 }) { throw failure }
    }

    /// Waits until the worker has ended.
    func join() { self.hasEnded.wait() }
}
