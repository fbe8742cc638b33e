internal import Glibc

/// The thread behind a `LineWriter`.
final class LineWriterThread {
    private let queue: LineQueue
    private var sinks: LineSinks
    private let lossReport: LineWriter.LossReport

    private init(
        queue: LineQueue,
        sinks: LineSinks,
        lossReport: @escaping LineWriter.LossReport
    ) {
        self.queue = queue
        self.sinks = sinks
        self.lossReport = lossReport
    }

    /// Starts a detached thread; it ends when the queue has been stopped and is empty.
    ///
    /// All signals are blocked on it: they belong to the program's own threads, and a reader that
    /// has gone shows as `EPIPE` instead of SIGPIPE.
    static func start(
        queue: LineQueue,
        sinks: LineSinks,
        lossReport: @escaping LineWriter.LossReport
    ) throws(LogTargetError) {
        let body = LineWriterThread(queue: queue, sinks: sinks, lossReport: lossReport)
        let reference = unsafe Unmanaged.passRetained(body)

        var all = sigset_t()
        var previous = sigset_t()
        unsafe sigfillset(&all)
        unsafe pthread_sigmask(SIG_SETMASK, &all, &previous)
        var thread = pthread_t()
        let result = unsafe pthread_create(
            &thread,
            nil,
            { argument in
                // The reference that `start` retained for this thread.
                unsafe Unmanaged<LineWriterThread>.fromOpaque(argument!).takeRetainedValue().run()
                return nil
            },
            reference.toOpaque()
        )
        unsafe pthread_sigmask(SIG_SETMASK, &previous, nil)

        guard result == 0 else {
            unsafe reference.release()
            throw .cannotStartThread(errno: result)
        }
        pthread_detach(thread)
    }

    private func run() {
        Self.nameThread()
        var batch = LineBatch(limits: self.queue.limits)
        loop: while true {
            switch self.queue.nextWork(spare: &batch) {
            case .write(let ticket, var newSinks):
                newSinks?.inherit(from: self.sinks)
                if let newSinks { self.sinks = newSinks }
                let unwritten = self.sinks.write(
                    batch,
                    for: self.queue,
                    lossReport: self.lossReport
                )
                self.queue.countUnwritten(unwritten)
                batch.clear()
                self.queue.settle(ticket)
            case .stop:
                break loop
            }
        }
        self.queue.end()
    }

    /// Names the thread for `top -H` and debuggers, where the kernel lets it.
    private static func nameThread() {
        let descriptor = unsafe open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        unsafe _ = write(descriptor, "weir-log", 8)
        close(descriptor)
    }
}
