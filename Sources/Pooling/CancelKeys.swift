public import Wire

/// The keys handed out to clients: one table, from a key to the one client that it belongs to.
///
/// Keys come from outside, since randomness does; a key that is taken is refused, so that the
/// caller draws again.
public struct CancelKeys: Sendable {
    private var owners: [CancelKey: ClientID] = [:]

    /// Creates an empty table.
    public init() {}

    /// How many keys are known.
    public var count: Int { self.owners.count }

    /// Gives `key` to `client`; false when somebody has it.
    public mutating func insert(_ key: CancelKey, for client: ClientID) -> Bool {
        guard self.owners[key] == nil else { return false }
        self.owners[key] = client
        return true
    }

    /// The most workers that keys tell apart.
    public static let workersMax = 64

    /// The worker that has handed out a key: part of the number, so that any worker knows where to
    /// take a cancel request.
    public static func worker(of key: CancelKey) -> Int {
        Int(key.processID % UInt32(Self.workersMax))
    }

    /// A process ID for a key of a worker, out of a random number.
    public static func processID(_ random: UInt32, worker: Int) -> UInt32 {
        // The top bit of a process ID is a sign to some clients.
        (random & 0x7fff_ffff) / UInt32(Self.workersMax) * UInt32(Self.workersMax)
            + UInt32(worker)
    }

    /// Whose key this is.
    public func owner(of key: CancelKey) -> ClientID? { self.owners[key] }

    /// Forgets a key, when its client has gone.
    public mutating func remove(_ key: CancelKey) { self.owners[key] = nil }
}
