import CLinux
import Glibc

/// Makes rings, and says why the kernel refuses.
enum IOUringSetup {
    /// Opens a ring; returns why not, or `nil`.
    static func open(_ ring: UnsafeMutablePointer<io_uring>, _ limits: ReactorLimits) -> String? {
        var parameters = io_uring_params()
        parameters.flags =
            UInt32(IORING_SETUP_SINGLE_ISSUER) | UInt32(IORING_SETUP_DEFER_TASKRUN)
            | UInt32(IORING_SETUP_COOP_TASKRUN) | UInt32(IORING_SETUP_CQSIZE)
            | UInt32(IORING_SETUP_SUBMIT_ALL)
        parameters.cq_entries = UInt32(
            max(limits.completionEntries, limits.submissionEntries * 2)
        )
        let outcome = unsafe io_uring_queue_init_params(
            UInt32(limits.submissionEntries),
            ring,
            &parameters
        )
        if outcome < 0 {
            return self.reason(for: -outcome)
        }
        let needed =
            UInt32(IORING_FEAT_NODROP) | UInt32(IORING_FEAT_SUBMIT_STABLE)
            | UInt32(IORING_FEAT_EXT_ARG)
        if parameters.features & needed != needed {
            unsafe io_uring_queue_exit(ring)
            return self.reason(for: EINVAL)
        }
        // Saves a look-up of the ring's descriptor in each call; nothing depends on it.
        unsafe io_uring_register_ring_fd(ring)
        return nil
    }

    /// Tells the kernel where the ring of provided buffers is. 0, or a negative errno.
    static func registerBuffers(
        _ ring: UnsafeMutablePointer<io_uring>,
        _ pages: UnsafeMutableRawPointer,
        count: Int,
        group: UInt16
    ) -> Int32 {
        var registration = io_uring_buf_reg()
        registration.ring_addr = UInt64(UInt(bitPattern: pages))
        registration.ring_entries = UInt32(count)
        registration.bgid = group
        return unsafe io_uring_register_buf_ring(ring, &registration, 0)
    }

    /// The cause in words for the log line of the fallback.
    static func reason(for error: Int32) -> String {
        switch error {
        case EPERM, EACCES:
            "forbidden by the kernel or container (EPERM)"
        case ENOSYS:
            "not in this kernel, or forbidden by the container (ENOSYS)"
        case EINVAL:
            "kernel too old: 6.1 or later is needed (EINVAL)"
        case ENOMEM:
            "out of memory for rings (ENOMEM): see the memlock limit"
        default:
            Syscalls.message(for: error)
        }
    }
}
