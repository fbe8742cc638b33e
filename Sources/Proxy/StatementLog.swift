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
        /// The statement, with its terminator and what follows that, if they were within the limit.
        var text: [UInt8] = []
        var isExtended = false
        /// The body of the last CommandComplete.
        var tag: [UInt8] = []
        /// Rows of the commands before the last.
        var rowsBefore: UInt64 = 0
        var bytesIn: UInt64 = 0
        var bytesOut: UInt64 = 0
        var sqlState: SQLState?

        /// The statement's text, and whether it goes on.
        var statement: (text: ArraySlice<UInt8>, isCut: Bool) {
            if let end = self.text.firstIndex(of: 0) { return (self.text[..<end], false) }
            return (self.text.prefix(StatementLog.textMax), true)
        }

        /// The tag's words, without its numbers.
        var commandTag: String {
            let words = self.tag.prefix { $0 != 0 && !Self.isDigit($0) }
            return String(decoding: words, as: UTF8.self)
                .split(separator: " ").joined(separator: " ")
        }

        /// Rows of all commands.
        var rows: UInt64 { self.rowsBefore &+ self.lastRows }

        /// The last number of the last tag.
        fileprivate var lastRows: UInt64 {
            let digits = self.tag.prefix { $0 != 0 }.reversed().prefix(while: Self.isDigit)
            return digits.reversed().reduce(0) { $0 &* 10 &+ UInt64($1 - UInt8(ascii: "0")) }
        }

        private static func isDigit(_ byte: UInt8) -> Bool {
            byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
        }
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

    /// Notes the text that the Bind just noted is about: what follows the name in its Parse.
    func boundTo(_ text: [UInt8]) {
        guard self.count > 0, self.units[self.lastIndex].text.isEmpty else { return }
        self.units[self.lastIndex].text.append(contentsOf: text.prefix(Self.textMax + 1))
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

    /// Notes the body of a CommandComplete; it is taken apart only if the unit is logged, or if
    /// another one follows.
    func completed(_ body: Span<UInt8>, in range: Range<Int>) {
        guard self.count > 0 else { return }
        let index = self.first
        if !self.units[index].tag.isEmpty {
            self.units[index].rowsBefore &+= self.units[index].lastRows
            self.units[index].tag.removeAll(keepingCapacity: true)
        }
        let end = min(range.upperBound, range.lowerBound + Self.tagMax)
        Self.copy(body, range.lowerBound..<end, to: &self.units[index].tag)
    }

    /// Notes an error.
    func failed(_ state: SQLState) {
        guard self.count > 0 else { return }
        self.units[self.first].sqlState = state
    }

    /// A ReadyForQuery has come. Returns the unit that it ends if that was requested at `latest` or
    /// before: of the others, which are nearly all, no copy is made.
    func ended(requestedBy latest: Instant) -> Unit? {
        guard self.count > 0 else { return nil }
        if self.count == 1, self.merged > 0 {
            self.merged -= 1
            return nil
        }
        defer { self.endFirst() }
        guard self.units[self.first].requestedAt <= latest else { return nil }
        return self.units[self.first]
    }

    private func endFirst() {
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
        self.units[index].isExtended = false
        self.units[index].rowsBefore = 0
        self.units[index].bytesIn = 0
        self.units[index].bytesOut = 0
        self.units[index].sqlState = nil
    }

    /// Keeps a statement's text and what follows it; where it ends is found only if it is logged.
    private func setText(_ body: Span<UInt8>, _ range: Range<Int>) {
        let index = self.lastIndex
        guard self.units[index].text.isEmpty else { return }
        let end = min(range.upperBound, range.lowerBound + Self.textMax + 1)
        Self.copy(body, range.lowerBound..<end, to: &self.units[index].text)
    }

    private static func copy(
        _ body: Span<UInt8>,
        _ range: Range<Int>,
        to target: inout [UInt8]
    ) {
        body.append(range, to: &target)
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
