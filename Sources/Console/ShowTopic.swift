import Pooling

/// What SHOW can show; the raw value is the word, in lower case.
enum ShowTopic: String, Equatable, Sendable, CaseIterable {
    case help
    case config
    case databases
    case fds
    case pools
    case peerPools = "peer_pools"
    case peers
    case clients
    case servers
    case sockets
    case activeSockets = "active_sockets"
    case lists
    case users
    case stats
    case statsTotals = "stats_totals"
    case statsAverages = "stats_averages"
    case totals
    case memory = "mem"
    case dnsHosts = "dns_hosts"
    case dnsZones = "dns_zones"
    case state
    case version
    case workers
    case pins
    case budget
    case fleet

    /// Whether it takes an admin.
    var needsAdmin: Bool { self == .fds }

    /// What its table reads.
    var parts: Snapshot.Parts {
        switch self {
        case .help, .state, .version: .process
        case .config: .configuration
        case .databases: .databases
        case .fds: .descriptors
        case .pools: .pools
        case .peerPools, .peers: .peers
        case .clients: .clients
        case .servers: .servers
        case .sockets, .activeSockets: [.clients, .servers]
        case .lists: [.databases, .users, .pools, .peers, .counts]
        case .users: .users
        case .stats, .statsTotals, .statsAverages, .totals: .statistics
        case .memory: .memory
        case .dnsHosts, .dnsZones: .dns
        case .workers: .workers
        case .pins: .pins
        case .budget, .fleet: .budgets
        }
    }
}
