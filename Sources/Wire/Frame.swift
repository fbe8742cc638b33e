/// One protocol message as it stands in a receive buffer: where it starts, how long it is, how much
/// of it has arrived.
///
/// A frame is an offset, never a slice: it keeps nothing alive and costs nothing to pass around.
/// The layout on the wire is a kind byte, an `Int32` length in network order that counts itself but
/// not the kind, and the body
/// (<https://www.postgresql.org/docs/current/protocol-message-formats.html>).
public struct Frame: Equatable, Sendable {
    /// Bytes before the body: the kind and the length.
    public static let headerLength = 5

    /// The message's kind byte.
    public var kind: UInt8

    /// Where the kind byte stands in the buffer.
    public var offset: Int

    /// The whole message in bytes, header included; at least `headerLength`.
    public var length: Int

    /// How many of those bytes are in the buffer; from `headerLength` to `length`.
    public var available: Int

    /// Creates a frame.
    @inlinable
    public init(kind: UInt8, offset: Int, length: Int, available: Int) {
        self.kind = kind
        self.offset = offset
        self.length = length
        self.available = available
    }

    /// Whether the last byte has arrived.
    @inlinable
    public var isComplete: Bool { self.available == self.length }

    /// Where the body starts in the buffer.
    @inlinable
    public var bodyOffset: Int { self.offset + Self.headerLength }

    /// Where the available part of the body ends in the buffer.
    @inlinable
    public var end: Int { self.offset + self.available }
}
