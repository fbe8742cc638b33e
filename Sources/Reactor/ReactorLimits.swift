/// Every bound of one event loop, each with its reason.
public struct ReactorLimits: Sendable, Equatable {
    /// Bytes in one receive buffer.
    ///
    /// Large enough for nearly every request and reply, small enough that a burst of
    /// connections finds one each.
    public var receiveBufferSize = 16 * 1024

    /// Receive buffers of the loop: a power of two, at most 32,768 (the kernel's buffer ring).
    ///
    /// They are needed only between a receive and the end of its turn (or of a large send), so
    /// their number follows the connections that are active at once, not those that exist.
    public var receiveBufferCount = 512

    /// Bytes in one large receive buffer, which is for flows: what follows a receive that has
    /// filled a small one.
    ///
    /// A result of 10 MB costs a third less CPU time than with small ones alone; 64 KB gave two
    /// thirds of that, 256 KB no more (they fall out of the second-level cache).
    public var largeBufferSize = 128 * 1024

    /// Large receive buffers of the loop: a power of two, at most 4,096; or 0 for none.
    ///
    /// They are out between a receive and the end of its turn or its send, so a few serve many
    /// flows, and who finds none takes a small one. 32 bound what flows can occupy to 4 MB.
    public var largeBufferCount = 32

    /// Receives that would have fitted a small buffer, in a row, after which a flow is over.
    ///
    /// Results come with pauses, and what PostgreSQL has just written may be little: a flow that
    /// ended too soon would begin each result with a small receive. A large buffer that is used
    /// little costs nothing but its absence for the others.
    public var smallReceivesAfterFlow = 8

    /// How long in nanoseconds large buffers keep their memory after the last receive into one.
    public var largeBufferIdleTime: Int64 = 1_000_000_000

    /// Queued output in bytes above which a socket is congested: one large buffer, so that the
    /// next receive of a flow is under way while the last one's bytes are sent.
    ///
    /// A reader that stalls costs at most this and one large buffer more.
    public var highWater = 128 * 1024

    /// Queued output in bytes at which a congested socket has drained.
    public var lowWater = 16 * 1024

    /// Queued output of one socket in bytes at which it fails with ENOBUFS.
    ///
    /// An owner that heeds congestion never comes near; this bounds memory when one does not.
    public var outputLimit = 64 * 1024 * 1024

    /// Bytes of the receive buffers that one socket's output may hold by reference (whole
    /// buffers, however short the ranges); more is copied, so a stalled reader costs others few
    /// buffers.
    public var heldBytesPerSocket = 256 * 1024

    /// Small receive buffers that all sockets' output may hold together: half, so that receives
    /// go on however many readers stall.
    public var heldBuffersPerLoop = 256

    /// Large receive buffers that all sockets' output may hold together: half, so that flows
    /// to fast readers stay flows.
    public var heldLargeBuffersPerLoop = 16

    /// Queued output in bytes from which a forward is held instead of copied: below it a copy
    /// costs less than a buffer that is away.
    public var holdThreshold = 4 * 1024

    /// The shortest range in bytes that is held: many short ranges would use up the quota and
    /// the segments of a send.
    public var holdMinimum = 1024

    /// How long in nanoseconds corked output waits for more; 0: it does not wait.
    ///
    /// PostgreSQL takes about that long for `corkBytes` of short rows.
    public var corkTime: Int64 = 1_000_000

    /// Queued output in bytes that leaves although it is corked: what the loopback device sends
    /// as one segment. Below `highWater`, so that nothing corked is congested.
    public var corkBytes = 64 * 1024

    /// Bytes from which a receive counts as one of bulk data: half of what PostgreSQL writes at
    /// once.
    public var bulkReceiveSize = 4 * 1024

    /// How often in nanoseconds the loop decides whether most of its work is bulk data; 0: never.
    public var bulkWindow: Int64 = 20_000_000

    /// Sockets of the loop. Only used entries occupy memory; the limit bounds the reservation.
    public var maxSockets = 65_536

    /// Listeners of the loop: addresses times ports, with room.
    public var maxListeners = 64

    /// How long in nanoseconds a flushing close may take in all.
    public var lingerTimeout: Int64 = 2_000_000_000

    /// Input in bytes that a flushing close reads and discards.
    public var lingerBytes = 256 * 1024

    /// How long in nanoseconds a listener rests after accept found no descriptor or no place.
    public var acceptBackoff: Int64 = 100_000_000

    /// Connections that one listener takes in one turn (epoll), so that a storm of connections
    /// leaves time for those that exist.
    public var acceptsPerTurn = 64

    /// Kernel events gathered in one turn.
    public var eventsPerTurn = 512

    /// Submission queue entries: ring memory counts per user, and a full queue is only
    /// submitted early.
    public var submissionEntries = 512

    /// Completion queue entries: sized for bursts, since overflow costs extra system calls.
    public var completionEntries = 4096

    /// The defaults.
    public init() {}

    /// The limits with nonsense replaced by the nearest value that works.
    var corrected: ReactorLimits {
        var limits = self
        limits.receiveBufferSize = min(max(self.receiveBufferSize, 512), 1 << 20)
        limits.receiveBufferCount = Self.powerOfTwo(self.receiveBufferCount, upTo: 32_768)
        // Whole pages, since their memory goes back page by page.
        let page = 4096
        let large = min(max(self.largeBufferSize, limits.receiveBufferSize), 1 << 20)
        limits.largeBufferSize = (large + page - 1) / page * page
        limits.largeBufferCount =
            self.largeBufferCount <= 0 ? 0 : Self.powerOfTwo(self.largeBufferCount, upTo: 4096)
        limits.smallReceivesAfterFlow = min(max(self.smallReceivesAfterFlow, 1), 255)
        limits.highWater = max(self.highWater, 1)
        limits.lowWater = min(max(self.lowWater, 0), limits.highWater)
        limits.outputLimit = max(self.outputLimit, limits.highWater)
        limits.heldBytesPerSocket = max(self.heldBytesPerSocket, 0)
        limits.heldBuffersPerLoop = min(
            max(self.heldBuffersPerLoop, 0),
            limits.receiveBufferCount / 2
        )
        limits.heldLargeBuffersPerLoop = min(
            max(self.heldLargeBuffersPerLoop, 0),
            limits.largeBufferCount / 2
        )
        limits.maxSockets = min(max(self.maxSockets, 1), 1 << 24)
        limits.maxListeners = min(max(self.maxListeners, 1), 1024)
        limits.acceptsPerTurn = max(self.acceptsPerTurn, 1)
        limits.eventsPerTurn = min(max(self.eventsPerTurn, 16), 4096)
        // A century: sums with the clock cannot overflow.
        let longest: Int64 = 3_153_600_000_000_000_000
        limits.lingerTimeout = min(max(self.lingerTimeout, 0), longest)
        limits.largeBufferIdleTime = min(max(self.largeBufferIdleTime, 1), longest)
        limits.corkTime = min(max(self.corkTime, 0), longest)
        limits.corkBytes = min(max(self.corkBytes, 1), limits.highWater)
        limits.bulkReceiveSize = max(self.bulkReceiveSize, 1)
        limits.bulkWindow = min(max(self.bulkWindow, 0), longest)
        limits.acceptBackoff = min(max(self.acceptBackoff, 1), longest)
        limits.submissionEntries = Self.powerOfTwo(self.submissionEntries, upTo: 512)
        limits.completionEntries = Self.powerOfTwo(self.completionEntries, upTo: 65_536)
        return limits
    }

    private static func powerOfTwo(_ wanted: Int, upTo most: Int) -> Int {
        var value = 1
        while value < wanted && value < most {
            value *= 2
        }
        return value
    }
}
