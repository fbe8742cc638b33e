/// A socket whose output waits for more, and until when.
///
/// One that ended early stays in the loop's queue until it is the oldest; so there are at most as
/// many as were set within one `corkTime`.
struct Cork: BitwiseCopyable {
    var socket: SocketID
    /// On the loop's clock.
    var deadline: Int64
}
