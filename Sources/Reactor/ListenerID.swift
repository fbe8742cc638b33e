/// Names one listening socket of one event loop; stale IDs are ignored, as with `SocketID`.
public struct ListenerID: Hashable, BitwiseCopyable, Sendable {
    /// The listener's place in the loop's table.
    public let index: UInt32
    /// How often that place has been used.
    public let generation: UInt32

    init(index: UInt32, generation: UInt32) {
        self.index = index
        self.generation = generation
    }

    /// The ID that no listener ever has.
    public static let none = ListenerID(index: .max, generation: 0)
}
