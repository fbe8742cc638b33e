import Wire

@testable import Pooling

/// What must be true of a worker's books.
extension StatementPooler {
    /// An idle server: what is believed of it is so.
    func check(_ server: PooledServer) -> String? {
        let real = server.backend.model.statements
        let shared = real.keys.filter { $0.hasPrefix("weir_") && $0 != "weir_refused" }
        // What an error has brought back goes with the next Parse.
        let stale = server.exchange.copies.copies.count { $0.statement >= 0 && $0.isStale }
        if shared.count > self.limit + stale {
            return "server \(server.number) has \(shared.map { $0.prefix(9) }) of \(self.limit)"
                + ", \(server.exchange.copies.count) are known"
        }
        for copy in server.exchange.copies.copies where copy.statement >= 0 && !copy.isStale {
            let entry = self.table.entries[copy.statement]
            let name = String(decoding: entry.name.dropLast(), as: UTF8.self)
            guard let statement = real[name] else {
                if server.backend.hasLost { continue }
                return "server \(server.number) lacks \(name), which it is said to have"
            }
            let text = entry.body.prefix { $0 != 0 }
            if !entry.body.isEmpty, !statement.text.utf8.elementsEqual(text) {
                return "server \(server.number) has \(statement.text) as \(name)"
            }
        }
        if server.session.unnamed == .none, real[""] != nil {
            return "server \(server.number) has an unnamed statement that nobody knows of"
        }
        return nil
    }

    /// The table when nothing is under way.
    func checkTable(_ clients: [PooledClient], _ servers: [PooledServer]) -> String? {
        var holders: [Int: Int] = [:]
        var copies: [Int: Int] = [:]
        var bytes = 0
        for client in clients {
            for slot in client.statements.slots where slot.statement >= 0 {
                holders[slot.statement, default: 0] += 1
                bytes += ClientStatements.size(ofName: slot.name.count)
            }
        }
        for server in servers {
            if !server.exchange.journal.isEmpty { return "a journal is not empty" }
            for copy in server.exchange.copies.copies where copy.statement >= 0 {
                copies[copy.statement, default: 0] += 1
            }
        }
        for (place, entry) in self.table.entries.enumerated() {
            guard entry.clients == holders[place, default: 0] else {
                return "statement \(place) has \(entry.clients) clients, not \(holders[place] ?? 0)"
            }
            guard entry.copies == copies[place, default: 0] else {
                return "statement \(place) has \(entry.copies) copies, not \(copies[place] ?? 0)"
            }
            if entry.clients > 0 { bytes += entry.body.count + StatementTable.overhead }
        }
        guard bytes <= self.table.bytes, self.table.bytes <= self.table.bytesMax else {
            return "\(self.table.bytes) bytes are counted, \(bytes) taken by names alone"
        }
        return nil
    }
}
