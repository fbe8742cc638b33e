/// One entry of the socket table: all that an idle connection costs.
@safe
struct SocketState: BitwiseCopyable {
    /// Changes each time the entry is freed; never 0.
    var generation: UInt32 = 1
    /// -1 while the entry is free, or when no descriptor could be had.
    var descriptor: Int32 = -1
    var flags: SocketFlags = []
    /// Next free entry plus one, while this one is free; 0 ends the list.
    var nextFree: UInt32 = 0
    var context: UInt64 = 0
    var output = OutputQueue()
    /// When a flushing close gives up, on the loop's clock.
    var lingerDeadline: Int64 = 0
    /// When corked output leaves at the latest, on the loop's clock; 0: nothing is corked. See
    /// `LoopState.cork`.
    var corkDeadline: Int64 = 0
    /// Input that a flushing close may still discard.
    var lingerBytes: Int32 = 0
    /// Receives in a row that would have fitted a small buffer, in a flow.
    var smallReceives: UInt8 = 0
    /// Bytes of the send in flight (io_uring).
    var offered = 0
    /// The errno of a failed send, or of the close.
    var error: Int32 = 0
    var isLive = false

    @inline(__always)
    func has(_ flag: SocketFlags) -> Bool {
        self.flags.rawValue & flag.rawValue != 0
    }
}
