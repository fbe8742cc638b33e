/// Names a client for as long as it is connected: a slot and how many clients have held that slot
/// before.
///
/// A stale identifier never names the slot's next tenant, which is what makes late events (a
/// cancel, a helper thread's answer) harmless.
public struct ClientID: Hashable, Sendable {
    /// The slot.
    public var index: UInt32
    /// Which of the slot's tenants.
    public var generation: UInt32

    /// Creates an identifier.
    @inlinable
    public init(index: UInt32, generation: UInt32) {
        self.index = index
        self.generation = generation
    }

    /// Names nobody.
    public static let none = ClientID(index: .max, generation: 0)
}

/// Names a server connection, like `ClientID` a client.
public struct ServerID: Hashable, Sendable {
    /// The slot.
    public var index: UInt32
    /// Which of the slot's tenants.
    public var generation: UInt32

    /// Creates an identifier.
    @inlinable
    public init(index: UInt32, generation: UInt32) {
        self.index = index
        self.generation = generation
    }

    /// Names nobody.
    public static let none = ServerID(index: .max, generation: 0)
}

/// Names a pool, i.e. a pair of database and user, for as long as the process lives.
public struct PoolID: Hashable, Sendable {
    /// The pool's place in `PoolSet`.
    public var index: Int

    /// Creates an identifier.
    public init(index: Int) { self.index = index }
}

/// A moment: nanoseconds of the boot-time clock. Time is always an argument here.
public typealias Instant = Int64

/// A span of time in nanoseconds; 0 as a setting means "no limit" unless its documentation says
/// otherwise.
public typealias Nanoseconds = Int64
