import TestSupport
import Wire

/// A client that says random things, and knows by its oracle what it must hear.
struct WorldClient {
    let number: Int
    let worker: Int
    let pooled: PooledClient
    var oracle: StatementOracle
    /// Sends on without waiting for answers.
    let isPipelining: Bool
    /// What it has said, and has not arrived.
    private var outgoing: [ClientMessage] = []
    private var head = 0
    /// What it believes to have prepared, if all has gone well.
    private var prepared: [String: String] = [:]
    private var isInBlock = false
    private var isBatchNew = true
    /// The batch under way began before the one before it was answered.
    private var isBatchPipelined = false

    private static let names = ["a", "b", "c", "d"]
    private static let owedMax = 60

    init(
        number: Int,
        worker: Int,
        catalog: StatementCatalog,
        isPipelining: Bool
    ) {
        self.number = number
        self.worker = worker
        self.pooled = PooledClient(number: number)
        self.oracle = StatementOracle(catalog: catalog)
        self.isPipelining = isPipelining
    }

    var isOver: Bool { self.oracle.isOver || self.pooled.isClosed }
    var underWay: Int { self.outgoing.count - self.head }

    /// Whether it may say something.
    var mayGoOn: Bool {
        self.underWay == 0
            && (self.isPipelining ? self.oracle.owed < Self.owedMax : self.oracle.endsOwed == 0)
    }

    /// Takes what arrives next.
    mutating func takeFirst() -> ClientMessage? {
        guard self.underWay > 0 else { return nil }
        defer {
            self.head += 1
            if self.underWay == 0 {
                self.outgoing.removeAll(keepingCapacity: true)
                self.head = 0
            }
        }
        return self.outgoing[self.head]
    }

    mutating func say(_ request: PostgresRequest, _ tags: inout Int) {
        if self.isBatchNew { self.isBatchPipelined = self.oracle.endsOwed > 0 }
        let message = ClientMessage(request, tag: tags, isPipelined: self.isBatchPipelined)
        self.isBatchNew = StatementOracle.endsBatch(request)
        tags += 1
        self.outgoing.append(message)
        self.oracle.send(message)
        switch request {
        case .parse(let name, let text): self.prepared[name] = text
        case .closeStatement(let name): self.prepared[name] = nil
        case .query(let text):
            self.prepared[""] = nil
            if text == "BEGIN" { self.isInBlock = true }
            if text == "COMMIT" || text == "ROLLBACK" { self.isInBlock = false }
        default: break
        }
    }

    // MARK: What it says

    mutating func speak(_ random: inout SeededRandom, _ mix: StatementMix, _ tags: inout Int) {
        if self.oracle.isQuiet {
            self.prepared = self.oracle.model.statements.mapValues(\.text)
            self.isInBlock = self.oracle.model.status != .idle
        }
        if random.chance(mix.mistakes) {
            self.speakAtRandom(&random, mix, &tags)
        } else if random.chance(mix.commands) {
            self.command(&random, mix, &tags)
        } else if random.chance(mix.unnamed) {
            self.useUnnamed(&random, mix, &tags)
        } else {
            switch random.below(10) {
            case 0..<6: self.usePrepared(&random, mix, &tags)
            case 6: self.say(.closeStatement(random.pick(Self.names)), &tags)
            case 7..<9: self.query(&random, mix, &tags)
            default:
                let end = random.chance(60) ? "COMMIT" : "ROLLBACK"
                self.say(.query(self.isInBlock ? end : "BEGIN"), &tags)
            }
        }
        if random.chance(8) { self.say(.flush, &tags) }
        if random.chance(85) { self.say(.sync, &tags) }
    }

    private func text(_ random: inout SeededRandom, _ mix: StatementMix) -> String {
        let table = random.below(mix.tables)
        switch random.below(20) {
        case 0: return "SELECT 1/0"
        case 1: return random.chance(20) ? "SELEC" : "UPDATE t\(table)"
        case 2: return random.pick(["BEGIN", "COMMIT", "ROLLBACK", ""])
        case 3..<8: return "SELECT \(random.below(3)) FROM t\(table) WHERE $1"
        default: return "SELECT \(random.below(3)) FROM t\(table)"
        }
    }

    private func bind(
        _ name: String,
        _ random: inout SeededRandom,
        _ mix: StatementMix,
        _ tags: Int
    ) -> PostgresRequest {
        let text = self.prepared[name] ?? "SELECT 1"
        var values = StatementMeaning(text).valueCount == 0 ? [] : ["v\(tags)"]
        if random.chance(mix.mistakes / 4) {
            values = random.chance(50) ? ["bad"] : values + ["more"]
        }
        let portal = random.chance(15) ? random.pick(["p", "q"]) : ""
        return .bind(portal: portal, name: name, values: values, isBinary: random.chance(25))
    }

    private mutating func use(
        _ name: String,
        _ random: inout SeededRandom,
        _ mix: StatementMix,
        _ tags: inout Int
    ) {
        let bind = self.bind(name, &random, mix, tags)
        self.say(bind, &tags)
        guard case .bind(let portal, _, _, _) = bind else { return }
        if random.chance(25) { self.say(.describePortal(portal), &tags) }
        if random.chance(10) {
            self.say(.execute(portal: portal, limit: 1), &tags)
            if random.chance(30) { self.say(.flush, &tags) }
        }
        self.say(.execute(portal: portal, limit: 0), &tags)
        if random.chance(8) { self.say(.closePortal(portal), &tags) }
    }

    private mutating func usePrepared(
        _ random: inout SeededRandom,
        _ mix: StatementMix,
        _ tags: inout Int
    ) {
        for _ in 0..<1 + random.below(3) {
            let name = random.pick(Self.names)
            if self.prepared[name] == nil {
                self.say(.parse(name: name, text: self.text(&random, mix)), &tags)
                if random.chance(30) { self.say(.describeStatement(name), &tags) }
                // Drivers wait for this before they go on.
                if random.chance(40) { return self.say(.sync, &tags) }
            } else if random.chance(12) {
                self.say(.describeStatement(name), &tags)
            }
            self.use(name, &random, mix, &tags)
            if random.chance(6) { self.say(.closeStatement(name), &tags) }
        }
    }

    private mutating func useUnnamed(
        _ random: inout SeededRandom,
        _ mix: StatementMix,
        _ tags: inout Int
    ) {
        if self.prepared[""] == nil || random.chance(60) {
            self.say(.parse(name: "", text: self.text(&random, mix)), &tags)
            if random.chance(30) { self.say(.describeStatement(""), &tags) }
            if random.chance(40) { return self.say(.sync, &tags) }
        }
        self.use("", &random, mix, &tags)
        if random.chance(5) { self.say(.closeStatement(""), &tags) }
    }

    private mutating func query(
        _ random: inout SeededRandom,
        _ mix: StatementMix,
        _ tags: inout Int
    ) {
        var texts: [String] = []
        for _ in 0..<(random.chance(20) ? 2 + random.below(2) : 1) {
            let text = self.text(&random, mix)
            texts.append(text.hasSuffix("$1") ? String(text.dropLast(9)) : text)
        }
        self.say(.query(texts.joined(separator: ";")), &tags)
    }

    /// SQL about statements of the protocol.
    private mutating func command(
        _ random: inout SeededRandom,
        _ mix: StatementMix,
        _ tags: inout Int
    ) {
        let name = random.pick(Self.names)
        let text =
            switch random.below(10) {
            case 0..<4: "DEALLOCATE \(name)"
            case 4..<5: "DEALLOCATE ALL"
            case 5..<6: "DISCARD ALL"
            default: "EXECUTE \(name)"
            }
        if random.chance(60) { return self.say(.query(text), &tags) }
        // Where memory is short, unnamed ones may not be seen.
        let isUnnamed = !mix.isMemoryShort && random.chance(70)
        let other = isUnnamed ? "" : random.pick(Self.names)
        self.say(.parse(name: other, text: text), &tags)
        self.say(.bind(portal: "", name: other, values: [], isBinary: false), &tags)
        if random.chance(90) { self.say(.execute(portal: "", limit: 0), &tags) }
    }

    /// Without sense.
    private mutating func speakAtRandom(
        _ random: inout SeededRandom,
        _ mix: StatementMix,
        _ tags: inout Int
    ) {
        for _ in 0..<1 + random.below(6) {
            let isUnnamed = mix.unnamed > 0 && random.chance(30)
            let name = isUnnamed ? "" : random.pick(Self.names)
            let portal = random.chance(70) ? "" : random.pick(["p", "q"])
            switch random.below(12) {
            case 0..<2: self.say(.parse(name: name, text: self.text(&random, mix)), &tags)
            case 2..<5: self.say(self.bind(name, &random, mix, tags), &tags)
            case 5: self.say(.describeStatement(name), &tags)
            case 6: self.say(.describePortal(portal), &tags)
            case 7..<9: self.say(.execute(portal: portal, limit: random.below(2)), &tags)
            case 9: self.say(.closeStatement(name), &tags)
            case 10: self.say(random.chance(50) ? .flush : .closePortal(portal), &tags)
            default: self.say(random.chance(60) ? .sync : .query("ROLLBACK"), &tags)
            }
        }
    }
}
