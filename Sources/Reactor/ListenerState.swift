/// One entry of the listener table.
struct ListenerState: BitwiseCopyable {
    var generation: UInt32 = 1
    var descriptor: Int32 = -1
    var context: UInt64 = 0
    var isLive = false
    /// Connections come with their first bytes, or after a second without.
    var comesWithBytes = false
    var isPaused = false
    var isClosing = false
    /// The kernel has an accept (io_uring), or watches the descriptor (epoll).
    var isArmed = false
    /// A cancel of the accept is under way (io_uring).
    var isCancelling = false
    /// When accepting goes on after it found no descriptor or no place; 0: now.
    var retryAt: Int64 = 0
    /// The file of a Unix socket, to be removed only while it is still ours.
    var device: UInt64 = 0
    var inode: UInt64 = 0

    var wantsAccept: Bool {
        self.isLive && !self.isPaused && !self.isClosing && self.retryAt == 0
    }
}
