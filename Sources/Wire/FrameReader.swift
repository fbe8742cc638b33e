/// Finds messages in a byte stream that arrives in pieces, without collecting them.
///
/// ## Overview
/// A connection owns one reader per direction. For each received buffer it first asks
/// `resume(available:)` how many bytes at the buffer's start still belong to a body that was let
/// through before, then walks the messages with `next(in:at:)`, and calls `pass(_:)` for each that
/// it lets through. A message whose tail has not arrived is let through too: its rest is what
/// `resume` answers later. So a body larger than any buffer streams through, and nothing is kept
/// but a count.
///
/// ## Why not collect
/// Only headers and a few short bodies decide anything; results and COPY data need no look at all.
/// The caller that does need a body (it must say how much of it) keeps the partial bytes itself and
/// offers them again in front of the next ones.
public struct FrameReader: Equatable, Sendable {
    /// Body bytes of the current message that have not arrived yet.
    public private(set) var remaining: Int = 0

    /// The largest message accepted, header included.
    public var limit: Int

    /// Creates a reader that accepts messages up to `limit` bytes.
    public init(limit: Int = Limits.messageLengthMax) {
        self.limit = limit
    }

    /// Takes the bytes at the start of a new buffer that belong to the message already let through;
    /// returns their count.
    @inlinable
    public mutating func resume(available: Int) -> Int {
        let count = min(self.remaining, available)
        self.take(count)
        return count
    }

    /// The message that starts at `offset`, or nil when its header has not arrived whole.
    ///
    /// - Throws: `FramingError` when the length field cannot be right.
    @inlinable
    public func next(in bytes: Span<UInt8>, at offset: Int) throws(FramingError) -> Frame? {
        let present = bytes.count - offset
        guard present >= Frame.headerLength else { return nil }
        let kind = bytes[offset]
        let field = Int32(bitPattern: bytes.bigEndianUInt32(at: offset + 1))
        guard field >= 4 else { throw .lengthTooSmall(kind: kind, length: field) }
        let length = Int(field) + 1
        guard length <= self.limit else {
            throw .lengthTooLarge(kind: kind, length: field, limit: self.limit)
        }
        return Frame(kind: kind, offset: offset, length: length, available: min(present, length))
    }

    /// Lets `frame` through; what of it has not arrived is owed by the next buffers.
    @inlinable
    public mutating func pass(_ frame: Frame) {
        self.owe(frame.length - frame.available)
    }

    @usableFromInline
    mutating func take(_ count: Int) { self.remaining -= count }

    @usableFromInline
    mutating func owe(_ count: Int) { self.remaining = count }
}
