/// How the members of a `host` list take turns.
public enum LoadBalanceHosts: String, Sendable, Equatable, CaseIterable {
    /// Each new connection goes to the next host.
    case roundRobin = "round-robin"
    /// Stay with one host until a connect to it fails.
    case disable
}
