import Glibc

/// The bounded queue behind `HelperThreads`.
///
/// `@unchecked Sendable`: `lock` protects everything mutable. A pthread mutex of its own and not
/// `Locked`, because waiting for work needs a condition variable.
@safe
final class JobQueue: @unchecked Sendable {
    typealias Job = @Sendable () -> Void

    private let lock: UnsafeMutablePointer<pthread_mutex_t>
    private let hasWork: UnsafeMutablePointer<pthread_cond_t>
    private let limit: Int
    private var jobs: [Job?] = []
    private var head = 0
    private var isClosed = false

    init(limit: Int) {
        self.limit = limit
        unsafe self.lock = .allocate(capacity: 1)
        unsafe pthread_mutex_init(self.lock, nil)
        unsafe self.hasWork = .allocate(capacity: 1)
        unsafe pthread_cond_init(self.hasWork, nil)
    }

    deinit {
        unsafe pthread_cond_destroy(self.hasWork)
        unsafe self.hasWork.deallocate()
        unsafe pthread_mutex_destroy(self.lock)
        unsafe self.lock.deallocate()
    }

    private func locked<Result>(_ body: () -> Result) -> Result {
        unsafe pthread_mutex_lock(self.lock)
        defer { unsafe pthread_mutex_unlock(self.lock) }
        return body()
    }

    var count: Int {
        self.locked { self.jobs.count - self.head }
    }

    func add(_ job: @escaping Job) -> Bool {
        self.locked {
            if self.isClosed || self.jobs.count - self.head >= self.limit {
                return false
            }
            self.jobs.append(job)
            unsafe pthread_cond_signal(self.hasWork)
            return true
        }
    }

    func close() {
        let dropped = self.locked {
            let dropped = self.jobs
            self.isClosed = true
            self.jobs = []
            self.head = 0
            unsafe pthread_cond_broadcast(self.hasWork)
            return dropped
        }
        // What the jobs hold is released here, outside of the lock.
        _ = dropped
    }

    /// Runs jobs until the queue is closed: the body of a thread.
    func work() {
        while let job = self.next() {
            job()
        }
    }

    private func next() -> Job? {
        self.locked {
            while self.head == self.jobs.count && !self.isClosed {
                unsafe pthread_cond_wait(self.hasWork, self.lock)
            }
            if self.isClosed {
                return nil
            }
            let job = self.jobs[self.head]
            self.jobs[self.head] = nil
            self.head += 1
            if self.head == self.jobs.count {
                self.jobs.removeAll(keepingCapacity: true)
                self.head = 0
            } else if self.head > self.limit {
                self.jobs.removeFirst(self.head)
                self.head = 0
            }
            return job
        }
    }
}
