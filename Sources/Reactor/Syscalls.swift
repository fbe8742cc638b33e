import CLinux
import Glibc

/// Every system call of this module, wrapped once.
///
/// A result below zero is a negative errno, as io_uring reports it, so that both engines speak
/// one language. EINTR is handled here and nowhere else.
enum Syscalls {
    /// Repeats a call until it was not interrupted, and folds errno into the result.
    @inline(__always)
    static func result(_ call: () -> Int) -> Int {
        while true {
            let value = call()
            if value >= 0 {
                return value
            }
            let error = errno
            if error != EINTR {
                return -Int(error)
            }
        }
    }

    @inline(__always)
    static func result32(_ call: () -> Int32) -> Int32 {
        Int32(truncatingIfNeeded: self.result { Int(call()) })
    }

    /// The errno of the call that has just failed.
    static var lastError: Int32 { errno }

    /// What an errno means, as the C library says it.
    static func message(for error: Int32) -> String {
        guard let text = unsafe strerror(error) else {
            return "error \(error)"
        }
        return unsafe String(cString: text)
    }

    // MARK: Descriptors

    /// close(2). Linux has closed the descriptor even when it reports EINTR, so no repetition.
    static func close(_ descriptor: Int32) {
        _ = Glibc.close(descriptor)
    }

    static func setNonblocking(_ descriptor: Int32, _ isNonblocking: Bool) -> Int32 {
        let flags = self.result32 { fcntl(descriptor, F_GETFL) }
        if flags < 0 {
            return flags
        }
        let wanted = isNonblocking ? flags | O_NONBLOCK : flags & ~O_NONBLOCK
        return wanted == flags ? 0 : self.result32 { fcntl(descriptor, F_SETFL, wanted) }
    }

    static func makeEventDescriptor(isNonblocking: Bool) -> Int32 {
        let flags = Int32(EFD_CLOEXEC)
        return self.result32 {
            eventfd(0, isNonblocking ? flags | Int32(EFD_NONBLOCK) : flags)
        }
    }

    /// Adds one to an eventfd. A full counter (EAGAIN) has woken its reader already.
    static func signal(_ descriptor: Int32) {
        var one: UInt64 = 1
        _ = self.result { unsafe Glibc.write(descriptor, &one, 8) }
    }

    // MARK: Memory and time

    /// Zero pages that the kernel supplies when they are touched.
    static func mapPages(_ count: Int) -> UnsafeMutableRawPointer? {
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
        let pages = unsafe mmap(nil, count, PROT_READ | PROT_WRITE, flags, -1, 0)
        return unsafe pages == MAP_FAILED ? nil : pages
    }

    static func unmapPages(_ pages: UnsafeMutableRawPointer, _ count: Int) {
        unsafe munmap(pages, count)
    }

    /// Frees the memory behind pages, which stay mapped and become zero. Only whole pages go;
    /// that is never less than what was asked for when the range is made of pages.
    static func discardPages(_ pages: UnsafeMutableRawPointer, _ count: Int) {
        unsafe madvise(pages, count, MADV_DONTNEED)
    }

    /// Nanoseconds since boot, time in suspend included.
    static func bootTime() -> Int64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_BOOTTIME, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    // MARK: Scheduling

    /// SCHED_OTHER.
    static let normalClass: Int32 = 0
    /// SCHED_BATCH, which the C library's module leaves out.
    static let batchClass: Int32 = 3

    /// The calling thread's scheduling class.
    static func schedulingClass() -> Int32 {
        self.result32 { sched_getscheduler(0) }
    }

    /// Changes the calling thread's scheduling class. 0, or a negative errno.
    @discardableResult
    static func setSchedulingClass(_ value: Int32) -> Int32 {
        var parameter = sched_param()
        return self.result32 { unsafe sched_setscheduler(0, value, &parameter) }
    }

    // MARK: epoll

    static func makeEpoll() -> Int32 {
        self.result32 { epoll_create1(Int32(EPOLL_CLOEXEC)) }
    }

    static func addToEpoll(
        _ epoll: Int32,
        _ descriptor: Int32,
        _ events: UInt32,
        _ data: UInt64
    ) -> Int32 {
        var event = unsafe epoll_event(events: events, data: epoll_data_t(u64: data))
        return self.result32 { unsafe epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) }
    }

    static func changeInEpoll(
        _ epoll: Int32,
        _ descriptor: Int32,
        _ events: UInt32,
        _ data: UInt64
    ) -> Int32 {
        var event = unsafe epoll_event(events: events, data: epoll_data_t(u64: data))
        return self.result32 { unsafe epoll_ctl(epoll, EPOLL_CTL_MOD, descriptor, &event) }
    }

    static func removeFromEpoll(_ epoll: Int32, _ descriptor: Int32) {
        var event = unsafe epoll_event()
        _ = self.result32 { unsafe epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, &event) }
    }

    /// epoll_wait(2). An interruption counts as no events, so that the caller looks at its
    /// deadline again.
    static func waitForEvents(
        _ epoll: Int32,
        _ events: UnsafeMutablePointer<epoll_event>,
        _ capacity: Int,
        milliseconds: Int32
    ) -> Int32 {
        let count = unsafe epoll_wait(epoll, events, Int32(capacity), milliseconds)
        if count >= 0 {
            return count
        }
        let error = errno
        return error == EINTR ? 0 : -error
    }
}
