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

    /// Whose key this is.
    public func owner(of key: CancelKey) -> ClientID? { self.owners[key] }

    /// Forgets a key, when its client has gone.
    public mutating func remove(_ key: CancelKey) { self.owners[key] = nil }
}
