/// What an event loop has done since it was made; plain numbers, read by snapshot.
public struct ReactorCounters: Sendable, Equatable {
    /// Calls of the kernel that waited or looked for events.
    public var turns = 0
    /// Connections taken from listeners.
    public var accepts = 0
    /// Accepts that failed, or found no place in the table.
    public var acceptErrors = 0
    /// Connections asked for.
    public var connects = 0
    /// Receives that brought bytes.
    public var receives = 0
    /// Bytes received.
    public var bytesReceived = 0
    /// Receives that brought at least `ReactorLimits.bulkReceiveSize` bytes.
    public var bulkReceives = 0
    /// Times in which most of the work was bulk data: see `BulkPhase`.
    public var bulkPhases = 0
    /// Sends that the kernel finished.
    public var sends = 0
    /// Sends that took only a part of what was offered.
    public var shortSends = 0
    /// Bytes that the kernel accepted.
    public var bytesSent = 0
    /// Receives that brought bytes in a large buffer.
    public var largeReceives = 0
    /// Receives of a flow that took a small buffer because no large one was free.
    public var largeBuffersMissing = 0
    /// Receives that found no buffer and waited for one.
    public var buffersMissing = 0
    /// Sockets that wait for a receive buffer now.
    public var parked = 0
    /// Receive buffers now held by output that waits.
    public var buffersHeld = 0
    /// Receive buffers now out of the pool (held, or of the turn that is being worked on).
    public var buffersInUse = 0
    /// How often the memory of idle large buffers was given back.
    public var trims = 0
    /// Large ones among the buffers that output holds now.
    public var largeBuffersHeld = 0
    /// Large ones among the buffers that are out of the pool now.
    public var largeBuffersInUse = 0
    /// Forwarded ranges that were copied because they were small.
    public var copiedForwards = 0
    /// Forwarded ranges that were copied because a quota of held buffers was used up.
    public var quotaCopies = 0
    /// Forwarded ranges that were held by reference.
    public var heldForwards = 0
    /// Sockets that exist now, closing ones included.
    public var sockets = 0
    /// Flushing closes that ended by their timeout.
    public var lingerTimeouts = 0
    /// Bytes of output memory in use now.
    public var outputMemory = 0

    /// All zero.
    public init() {}
}
