/// One run of bytes that waits to be sent: the header of a block of memory.
///
/// The bytes are either the block's own, behind the header (`buffer` is -1), or a range of a
/// receive buffer that the block keeps from being reused.
@safe
struct OutputBlock {
    var next: UnsafeMutablePointer<OutputBlock>?
    /// Where offset 0 is.
    var base: UnsafeMutableRawPointer
    /// The bytes not yet sent are `start ..< end`.
    var start: Int
    var end: Int
    /// How far `end` may grow; for a range of a receive buffer, no further than it is.
    var capacity: Int
    var buffer: Int32
    var sizeClass: UInt8

    var count: Int { self.end - self.start }
    var isOwned: Bool { self.buffer < 0 }
    var room: Int { self.isOwned ? self.capacity - self.end : 0 }
}
