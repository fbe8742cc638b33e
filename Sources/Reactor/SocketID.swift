/// Names one socket of one event loop.
///
/// An index is reused, a generation is not: a stale ID is ignored by every call, so it can
/// never reach another socket.
public struct SocketID: Hashable, BitwiseCopyable, Sendable {
    /// The socket's place in the loop's table.
    public let index: UInt32
    /// How often that place has been used.
    public let generation: UInt32

    init(index: UInt32, generation: UInt32) {
        self.index = index
        self.generation = generation
    }

    /// The ID that no socket ever has.
    public static let none = SocketID(index: .max, generation: 0)
}
