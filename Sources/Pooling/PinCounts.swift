/// What a pool has counted of its pins, by what they were for.
public struct PinCounts: Equatable, Sendable {
    /// What was counted of one kind.
    public struct Counts: Equatable, Sendable {
        /// How often a client came to keep its server for it.
        public var started: UInt64 = 0
        /// Statements refused because of it: too many pins, or none allowed.
        public var refused: UInt64 = 0
        /// Servers that were reset because of it, and lost what their clients had there.
        public var reset: UInt64 = 0
        /// Clients that were idle for too long with it.
        public var timedOut: UInt64 = 0

        /// Whether nothing was counted.
        public var isZero: Bool { self == Counts() }
    }

    /// By the place of the kind's bit.
    private var counts = [Counts](repeating: Counts(), count: SessionKinds.all.count)

    /// Creates counts that are all zero.
    public init() {}

    /// What was counted of one kind.
    public func counts(of kind: SessionKinds) -> Counts {
        self.counts[kind.rawValue.trailingZeroBitCount]
    }

    /// Adds one to a count of each of some kinds.
    public mutating func add(_ kinds: SessionKinds, to count: WritableKeyPath<Counts, UInt64>) {
        for (kind, _) in SessionKinds.all where kinds.contains(kind) {
            self.counts[kind.rawValue.trailingZeroBitCount][keyPath: count] &+= 1
        }
    }
}
