/// An entry of `[peers]`: another process behind the same address, which cancel requests may be
/// meant for.
public struct PeerSettings: Sendable, Equatable {
    /// Where it listens: a host name, an address or a socket directory.
    public var hosts: [String] = []
    /// The port that it listens on; 6432 by default.
    public var port: Int = 6_432
    /// PgBouncer's bound on connections to it, which is shown and has no effect: how many requests
    /// are passed on at once is bounded for all together.
    public var poolSize: Int?

    /// Makes an entry in which nothing is set.
    public init() {}
}
