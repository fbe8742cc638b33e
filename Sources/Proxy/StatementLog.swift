import Pooling
import Wire

/// What a server's statements under way are, for the slow-query log: text, times, size.
///
/// It belongs to the server and not to the client, since there are few servers; its memory is
/// reused, so that noting a statement copies its text and allocates nothing. A unit is what ends
/// with one ReadyForQuery: a Query, or the batch up to a Sync, named after its first statement.
final class StatementLog {
    /// One unit under way.
    struct Unit {
        var requestedAt: Instant = 0
        var sentAt: Instant = 0
        var text: [UInt8] = []
        var isCut = false
        var isExtended = false
        var tag: [UInt8] = []
        var rows: UInt64 = 0
        var bytesIn: UInt64 = 0
        var bytesOut: UInt64 = 0
        var sqlState: SQLState?
    }

    /// Statement text kept, as in the log.
    static let textMax = 4_096
    /// Named statements whose text is kept.
    private static let namesMax = 256
    /// A command tag kept; PostgreSQL's are shorter.
    private static let tagMax = 64
    /// Units kept apart; a deeper pipeline counts its later units with the last one.
    private static let unitsMax = 8

    private var units: [Unit] = []
    private var first = 0
    /// Units from `first` on that are under way.
    private(set) var count = 0
    /// Batch ends sent that no unit of their own stands for.
    private var merged = 0
    /// Whether the last unit's end has been sent.
    private var isClosed = true
    private var names: [[UInt8]: [UInt8]] = [:]

    /// Notes a request that is sent: its kind, and as much of its body as has come.
    func sent(
        _ kind: FrontendKind,
        _ body: Span<UInt8>,
        in range: Range<Int>,
        length: Int,
        requestedAt: Instant,
        now: Instant
    ) {
        // The end of a COPY belongs to the statement that began it.
        if kind == .copyDone || kind == .copyFail { return self.dataSent(length) }
        if self.isClosed { self.open(requestedAt: requestedAt, now: now) }
        let index = self.lastIndex
        self.units[index].bytesIn += UInt64(length)
        switch kind {
        case .query:
            self.setText(body, range)
        case .parse:
            self.units[index].isExtended = true
            self.parseSent(body, range)
        case .bind:
            self.units[index].isExtended = true
            self.bindSent(body, range)
        case .functionCall:
            if self.units[index].text.isEmpty {
                self.units[index].text.append(contentsOf: "<function call>".utf8)
            }
        default:
            break
        }
        if kind == .query || kind == .sync || kind == .functionCall { self.isClosed = true }
    }

    /// Notes COPY data on their way in.
    func dataSent(_ length: Int) {
        guard self.count > 0 else { return }
        self.units[self.lastIndex].bytesIn += UInt64(length)
    }

    /// Notes bytes of an answer.
    func received(_ length: Int) {
        guard self.count > 0 else { return }
        self.units[self.first].bytesOut += UInt64(length)
    }

    /// Notes the tag of a CommandComplete: its words, and the last of its numbers as rows.
    func completed(_ body: Span<UInt8>, in range: Range<Int>) {
        guard self.count > 0 else { return }
        let index = self.first
        self.units[index].tag.removeAll(keepingCapacity: true)
        var rows: UInt64 = 0
        for position in range where body[position] != 0 {
            let byte = body[position]
            if byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") {
                rows = rows &* 10 &+ UInt64(byte - UInt8(ascii: "0"))
            } else {
                rows = 0
                if self.units[index].tag.count < Self.tagMax { self.units[index].tag.append(byte) }
            }
        }
        while self.units[index].tag.last == UInt8(ascii: " ") { self.units[index].tag.removeLast() }
        self.units[index].rows &+= rows
    }

    /// Notes an error.
    func failed(_ state: SQLState) {
        guard self.count > 0 else { return }
        self.units[self.first].sqlState = state
    }

    /// A ReadyForQuery has come: shows `body` the unit that it ends.
    func ended(_ body: (Unit) -> Void) {
        guard self.count > 0 else { return }
        if self.count == 1, self.merged > 0 {
            self.merged -= 1
            return
        }
        body(self.units[self.first])
        self.first = (self.first + 1) % Self.unitsMax
        self.count -= 1
        if self.count == 0 { self.isClosed = true }
    }

    /// Forgets everything: the server has another client, or none.
    func clear(forgettingNames: Bool) {
        self.count = 0
        self.merged = 0
        self.isClosed = true
        if forgettingNames, !self.names.isEmpty { self.names.removeAll() }
    }

    private var lastIndex: Int { (self.first + self.count - 1) % Self.unitsMax }

    private func open(requestedAt: Instant, now: Instant) {
        self.isClosed = false
        if self.count == Self.unitsMax {
            self.merged += 1
            return
        }
        if self.units.count < Self.unitsMax {
            self.units = [Unit](repeating: Unit(), count: Self.unitsMax)
        }
        self.count += 1
        let index = self.lastIndex
        self.units[index].requestedAt = requestedAt
        self.units[index].sentAt = now
        self.units[index].text.removeAll(keepingCapacity: true)
        self.units[index].tag.removeAll(keepingCapacity: true)
        self.units[index].isCut = false
        self.units[index].isExtended = false
        self.units[index].rows = 0
        self.units[index].bytesIn = 0
        self.units[index].bytesOut = 0
        self.units[index].sqlState = nil
    }

    private func setText(_ body: Span<UInt8>, _ range: Range<Int>) {
        let index = self.lastIndex
        guard self.units[index].text.isEmpty else { return }
        for position in range {
            guard body[position] != 0 else { return }
            guard self.units[index].text.count < Self.textMax else {
                self.units[index].isCut = true
                return
            }
            self.units[index].text.append(body[position])
        }
        // The end has not come yet, or is not looked at.
        self.units[index].isCut = true
    }

    /// Parse: the statement's name and its text, each with a terminator.
    private func parseSent(_ body: Span<UInt8>, _ range: Range<Int>) {
        guard let end = body.terminator(in: range) else { return }
        self.setText(body, end + 1..<range.upperBound)
        guard end > range.lowerBound, self.names.count < Self.namesMax else { return }
        let textEnd = body.terminator(in: end + 1..<range.upperBound) ?? range.upperBound
        let limited = min(textEnd, end + 1 + Self.textMax)
        self.names[body.copy(range.lowerBound..<end)] = body.copy(end + 1..<limited)
    }

    /// Bind: the portal's name and the statement's name.
    private func bindSent(_ body: Span<UInt8>, _ range: Range<Int>) {
        guard self.units[self.lastIndex].text.isEmpty, !self.names.isEmpty,
            let portalEnd = body.terminator(in: range),
            let end = body.terminator(in: portalEnd + 1..<range.upperBound),
            let text = self.names[body.copy(portalEnd + 1..<end)]
        else { return }
        self.units[self.lastIndex].text.append(contentsOf: text)
    }
}
