import Synchronization

/// Wakes an event loop from any thread. It may outlive the loop; then it does nothing.
public struct WakeHandle: Sendable {
    let signal: WakeSignal

    /// Makes the loop's current or next wait return with `.woken`.
    ///
    /// Calls between two turns are one wake-up and one system call.
    public func wake() {
        self.signal.wake()
    }
}

/// The eventfd behind `WakeHandle`, closed with its last reference.
final class WakeSignal: Sendable {
    let descriptor: Int32
    private let isPending = Atomic<Bool>(false)

    init?(isNonblocking: Bool) {
        self.descriptor = Syscalls.makeEventDescriptor(isNonblocking: isNonblocking)
        if self.descriptor < 0 {
            return nil
        }
    }

    deinit {
        if self.descriptor >= 0 {
            Syscalls.close(self.descriptor)
        }
    }

    func wake() {
        if !self.isPending.exchange(true, ordering: .acquiringAndReleasing) {
            Syscalls.signal(self.descriptor)
        }
    }

    /// The loop has seen the signal; a later `wake()` signals again.
    ///
    /// Called before the owner looks at its mailbox: what is posted after that look finds the
    /// flag down and signals.
    func acknowledge() {
        _ = self.isPending.exchange(false, ordering: .acquiringAndReleasing)
    }
}
