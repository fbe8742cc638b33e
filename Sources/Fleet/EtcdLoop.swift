internal import NIOCore
internal import NIOPosix

/// The one thread on which everything that has to do with etcd runs.
///
/// It is not one of Swift's own threads, of which there are as many as processors: whoever computes
/// for long on those would keep a lease from being renewed.
final class EtcdLoop: TaskExecutor {
    /// What all ledgers of a process share: they have little to do.
    static let shared = EtcdLoop()

    private let loop = MultiThreadedEventLoopGroup(numberOfThreads: 1).next()

    /// The loop, for those who connect on it.
    var group: any EventLoopGroup { self.loop }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        self.loop.execute { unsafe job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }

    /// Runs a task on the loop, and all that it awaits and that has no thread of its own.
    func start(_ body: sending @escaping @isolated(any) () async -> Void) -> Task<Void, Never> {
        Task(executorPreference: self, operation: body)
    }

    /// Waits for so many nanoseconds, or until the task is cancelled.
    func sleep(_ time: Int64) async {
        let promise = self.loop.makePromise(of: Void.self)
        let timer = self.loop.scheduleTask(in: .nanoseconds(max(0, time))) { promise.succeed() }
        await withTaskCancellationHandler {
            try? await promise.futureResult.get()
        } onCancel: {
            timer.cancel()
            promise.succeed()
        }
    }
}
