public import Glibc

/// A value that one thread at a time can reach.
///
/// It does what `Synchronization.Mutex` does and is used in its place: ThreadSanitizer sees a
/// pthread mutex, but not a `Mutex`, whose library is not instrumented, and would report a race for
/// everything that one protects (`docs/decisions/0005-locks.md`).
///
/// `@unchecked Sendable` and `@safe`: the value and its mutex lie at fixed addresses for the
/// object's life, the value is touched only while the mutex is held, and `sending` keeps what
/// belongs to one thread from getting in or out.
@safe
public final class Locked<Value: ~Copyable>: @unchecked Sendable {
    @usableFromInline
    let mutex: UnsafeMutablePointer<pthread_mutex_t>
    @usableFromInline
    let value: UnsafeMutablePointer<Value>

    /// Takes a value that nobody else keeps a reference into.
    public init(_ value: consuming sending Value) {
        unsafe self.mutex = .allocate(capacity: 1)
        unsafe self.value = .allocate(capacity: 1)
        var attributes = pthread_mutexattr_t()
        unsafe pthread_mutexattr_init(&attributes)
        unsafe pthread_mutexattr_settype(&attributes, Int32(PTHREAD_MUTEX_ERRORCHECK))
        let result = unsafe pthread_mutex_init(self.mutex, &attributes)
        unsafe pthread_mutexattr_destroy(&attributes)
        precondition(result == 0, "pthread_mutex_init failed with \(result)")
        unsafe self.value.initialize(to: value)
    }

    deinit {
        unsafe self.value.deinitialize(count: 1)
        unsafe self.value.deallocate()
        unsafe pthread_mutex_destroy(self.mutex)
        unsafe self.mutex.deallocate()
    }

    /// Runs `body` while no other thread can reach the value.
    ///
    /// Keep `body` short and call nothing in it that may come back here: a thread that takes a lock
    /// which it holds already would wait for itself, so that stops the process.
    ///
    /// - Returns: what `body` returns; nothing in it may still lead into the value.
    @inlinable
    public func withLock<Result: ~Copyable, Failure: Error>(
        _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        let result = unsafe pthread_mutex_lock(self.mutex)
        precondition(result == 0, "pthread_mutex_lock failed with \(result)")
        defer { unsafe pthread_mutex_unlock(self.mutex) }
        return try unsafe body(&self.value.pointee)
    }
}
