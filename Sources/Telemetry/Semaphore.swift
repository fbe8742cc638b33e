internal import Glibc

/// A counting semaphore whose timed wait runs on the monotonic clock.
///
/// `@unchecked Sendable` and `@safe`: the state lies at a fixed address for the object's life and
/// is touched only under its own mutex. (`sem_t` would do, but its timed wait follows the wall
/// clock.)
@safe
public final class Semaphore: @unchecked Sendable {
    private let storage: UnsafeMutablePointer<Storage>

    @unsafe
    private struct Storage {
        var mutex = unsafe pthread_mutex_t()
        var condition = pthread_cond_t()
        var count = 0
    }

    /// Creates one at zero.
    public init() {
        unsafe self.storage = .allocate(capacity: 1)
        unsafe self.storage.initialize(to: Storage())
        unsafe pthread_mutex_init(&self.storage.pointee.mutex, nil)
        var attributes = pthread_condattr_t()
        unsafe pthread_condattr_init(&attributes)
        unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        unsafe pthread_cond_init(&self.storage.pointee.condition, &attributes)
        unsafe pthread_condattr_destroy(&attributes)
    }

    deinit {
        unsafe pthread_cond_destroy(&self.storage.pointee.condition)
        unsafe pthread_mutex_destroy(&self.storage.pointee.mutex)
        unsafe self.storage.deallocate()
    }

    /// Adds one, and wakes one who waits.
    public func signal() {
        unsafe pthread_mutex_lock(&self.storage.pointee.mutex)
        unsafe self.storage.pointee.count += 1
        unsafe pthread_cond_signal(&self.storage.pointee.condition)
        unsafe pthread_mutex_unlock(&self.storage.pointee.mutex)
    }

    /// Waits until there is one, and takes it.
    public func wait() {
        unsafe pthread_mutex_lock(&self.storage.pointee.mutex)
        while unsafe self.storage.pointee.count == 0 {
            unsafe pthread_cond_wait(
                &self.storage.pointee.condition,
                &self.storage.pointee.mutex
            )
        }
        unsafe self.storage.pointee.count -= 1
        unsafe pthread_mutex_unlock(&self.storage.pointee.mutex)
    }

    /// Waits until signalled or until the time is over, and says whether it was signalled.
    public func wait(for timeout: Duration) -> Bool {
        var deadline = Self.deadline(after: timeout)
        unsafe pthread_mutex_lock(&self.storage.pointee.mutex)
        defer { unsafe pthread_mutex_unlock(&self.storage.pointee.mutex) }
        while unsafe self.storage.pointee.count == 0 {
            let result = unsafe pthread_cond_timedwait(
                &self.storage.pointee.condition,
                &self.storage.pointee.mutex,
                &deadline
            )
            if result != 0 { break }
        }
        guard unsafe self.storage.pointee.count > 0 else { return false }
        unsafe self.storage.pointee.count -= 1
        return true
    }

    /// A time on the monotonic clock, at most a day away so that nothing can overflow.
    private static func deadline(after timeout: Duration) -> timespec {
        let bounded = min(max(timeout, .zero), .seconds(86_400)).components
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        let nanoseconds = time.tv_nsec + Int(bounded.attoseconds / 1_000_000_000)
        return timespec(
            tv_sec: time.tv_sec + Int(bounded.seconds) + nanoseconds / 1_000_000_000,
            tv_nsec: nanoseconds % 1_000_000_000
        )
    }
}
