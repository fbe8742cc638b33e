import Pooling
import Wire

extension AdminConsole {
    /// PgBouncer's version stands first: monitors take the first `x.y.z` that they find, and a
    /// lower one than 1.25 would make them expect the columns of old releases.
    var versionText: String { "PgBouncer \(Self.pgBouncerVersion) (Weir \(self.version))" }

    /// Writes what `topic` shows, without the tag.
    func write(_ topic: ShowTopic, to writer: inout MessageWriter, _ snapshot: () -> Snapshot) {
        let table =
            switch topic {
            case .help: nil as Table?
            case .version: Table.version(self.versionText)
            case .config: Table.config(snapshot())
            case .databases: Table.databases(snapshot())
            case .fds: Table.descriptors(snapshot())
            case .pools: Table.pools(snapshot())
            case .peerPools: Table.peerPools(snapshot())
            case .peers: Table.peers(snapshot())
            case .clients: Table.clients(snapshot())
            case .servers: Table.servers(snapshot())
            case .sockets: Table.sockets(snapshot())
            case .activeSockets: Table.activeSockets(snapshot())
            case .lists: Table.lists(snapshot())
            case .users: Table.users(snapshot())
            case .stats: Table.stats(snapshot())
            case .statsTotals: Table.statsTotals(snapshot())
            case .statsAverages: Table.statsAverages(snapshot())
            case .totals: Table.totals(snapshot())
            case .memory: Table.memory(snapshot())
            case .dnsHosts: Table.dnsHosts(snapshot())
            case .dnsZones: Table.dnsZones(snapshot())
            case .state: Table.state(snapshot())
            case .workers: Table.workers(snapshot())
            case .pins: Table.pins(snapshot())
            case .budget: Table.budget(snapshot())
            case .fleet: Table.fleet(snapshot())
            }
        if let table {
            table.write(to: &writer)
        } else {
            writer.notice(
                ErrorFields(.notice, .success, "Console usage", detail: Self.help)
            )
        }
    }

    /// Topics of SHOW a line of the help.
    private static let topicsPerLine = 6

    /// Every command; it starts on a line of its own, since clients print it behind a label.
    private static var help: String {
        let topics = ShowTopic.allCases.map { $0.rawValue.uppercased() }
        let shows = stride(from: 0, to: topics.count, by: Self.topicsPerLine).map { start in
            let line = topics[start..<min(start + Self.topicsPerLine, topics.count)]
            return "\tSHOW " + line.joined(separator: "|")
        }
        return """

            \(shows.joined(separator: "\n"))
            \tSET key = value
            \tRELOAD
            \tPAUSE [<db>]
            \tRESUME [<db>]
            \tSUSPEND
            \tDISABLE <db>
            \tENABLE <db>
            \tRECONNECT [<db>]
            \tWAIT_CLOSE [<db>]
            \tKILL [<db>]
            \tKILL_CLIENT <id>
            \tSHUTDOWN [WAIT_FOR_SERVERS|WAIT_FOR_CLIENTS]
            """
    }
}
