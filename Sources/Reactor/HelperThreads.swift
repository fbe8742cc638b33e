import CLinux
import Glibc

/// A few threads for work that would hold up a loop: password hashes, name look-ups.
///
/// A job answers through a `Mailbox`. The queue is bounded: when it is full, `submit` says so
/// at once and the caller decides.
public final class HelperThreads: Sendable {
    private let queue: JobQueue

    /// - Parameters:
    ///   - count: Threads; at least one.
    ///   - name: Their name in `ps` and debuggers, at most 15 bytes.
    ///   - queueLimit: Jobs that may wait.
    public init(
        count: Int,
        name: String = "helper",
        queueLimit: Int = 1024
    ) throws(ReactorError) {
        self.queue = JobQueue(limit: max(queueLimit, 1))
        for _ in 0..<max(count, 1) {
            let argument = unsafe Unmanaged.passRetained(self.queue)
            let outcome = unsafe weir_start_thread(
                String(name.prefix(15)),
                { argument in
                    if let argument = unsafe argument {
                        unsafe Unmanaged<JobQueue>.fromOpaque(argument).takeRetainedValue().work()
                    }
                    return nil
                },
                argument.toOpaque()
            )
            if outcome < 0 {
                unsafe argument.release()
                self.queue.close()
                throw .system(call: "pthread_create", errno: -outcome)
            }
        }
    }

    deinit {
        self.queue.close()
    }

    /// Queues a job. `false`: the queue is full, or the threads were shut down.
    public func submit(_ job: @escaping @Sendable () -> Void) -> Bool {
        self.queue.add(job)
    }

    /// Jobs that wait.
    public var waiting: Int { self.queue.count }

    /// Drops what waits and lets each thread end after its current job. Does not wait for them:
    /// a name look-up can take a minute.
    public func shutdown() {
        self.queue.close()
    }
}
