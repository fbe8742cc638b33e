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
        var text = ReusedBytes()
        var isExtended = false
        /// The body of the last CommandComplete.
        var tag = ReusedBytes()
        /// Rows of the commands before the last.
        var rowsBefore: UInt64 = 0
        var bytesIn: UInt64 = 0
        var bytesOut: UInt64 = 0
        var sqlState: SQLState?

        /// The statement's text, and whether it goes on.
        var statement: (text: ArraySlice<UInt8>, isCut: Bool) {
            let text = self.text.bytes
            if let end = text.firstIndex(of: 0) { return (text[..<end], false) }
            return (text.prefix(StatementLog.textMax), true)
        }

        /// The tag's words, without its numbers.
        var commandTag: String {
            let words = self.tag.bytes.prefix { $0 != 0 && !Self.isDigit($0) }
            return String(decoding: words, as: UTF8.self)
                .split(separator: " ").joined(separator: " ")
        }

        /// Rows of all commands.
        var rows: UInt64 { self.rowsBefore &+ self.lastRows }

        /// The last number of the last tag.
        fileprivate var lastRows: UInt64 {
            let digits = self.tag.bytes.prefix { $0 != 0 }.reversed().prefix(while: Self.isDigit)
            return digits.reversed().reduce(0) { $0 &* 10 &+ UInt64($1 - UInt8(ascii: "0")) }
        }

        private static func isDigit(_ byte: UInt8) -> Bool {
            byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
        }

        /// Becomes another unit.
        fileprivate mutating func begin(requestedAt: Instant, now: Instant) {
            self.requestedAt = requestedAt
            self.sentAt = now
            self.text.removeAll()
            self.tag.removeAll()
            self.isExtended = false
            self.rowsBefore = 0
            self.bytesIn = 0
            self.bytesOut = 0
            self.sqlState = nil
        }

        /// Keeps the statement's text and what follows it, unless there is one; where it ends is
        /// found only if it is logged.
        fileprivate mutating func setText(_ body: Span<UInt8>, _ range: Range<Int>) {
            guard self.text.isEmpty else { return }
            let end = min(range.upperBound, range.lowerBound + StatementLog.textMax + 1)
            self.text.replace(with: body, in: range.lowerBound..<end)
        }

        /// Keeps the body of a CommandComplete.
        fileprivate mutating func setTag(_ body: Span<UInt8>, _ range: Range<Int>) {
            if !self.tag.isEmpty { self.rowsBefore &+= self.lastRows }
            let end = min(range.upperBound, range.lowerBound + StatementLog.tagMax)
            self.tag.replace(with: body, in: range.lowerBound..<end)
        }
    }

    /// Statement text kept, as in the log.
    static let textMax = 4_096
    /// Named statements whose text is kept.
    private static let namesMax = 256
    /// A command tag kept; PostgreSQL's are shorter.
    fileprivate static let tagMax = 64
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
    /// The last unit's bytes, until another one follows it, and the first one's: counted here since
    /// they are with every message.
    private var bytesIn: UInt64 = 0
    private var bytesOut: UInt64 = 0
    private var names: [[UInt8]: [UInt8]] = [:]

    /// Notes a request that is sent, and as much of its body as has come.
    func sent(
        _ request: ReplyLedger.Request,
        _ body: Span<UInt8>,
        in range: Range<Int>,
        length: Int,
        requestedAt: Instant,
        now: Instant
    ) {
        // The end of a COPY belongs to the statement that began it.
        if request == .copyEnd { return self.dataSent(length) }
        if self.isClosed { self.open(requestedAt: requestedAt, now: now) }
        self.bytesIn &+= UInt64(length)
        switch request {
        case .query:
            self.units[self.lastIndex].setText(body, range)
            self.isClosed = true
        case .parse:
            self.parseSent(body, range, &self.units[self.lastIndex])
        case .bind:
            self.bindSent(body, range, &self.units[self.lastIndex])
        case .functionCall:
            let text = Self.functionCall
            self.units[self.lastIndex].setText(text.span, 0..<text.count)
            self.isClosed = true
        case .sync:
            self.isClosed = true
        default:
            break
        }
    }

    /// What a call by the fast-path interface is logged as.
    private static let functionCall = Array("<function call>\0".utf8)

    /// Notes the text that the Bind just noted is about: what follows the name in its Parse.
    func boundTo(_ text: [UInt8]) {
        guard self.count > 0 else { return }
        self.units[self.lastIndex].setText(text.span, 0..<text.count)
    }

    /// Notes COPY data on their way in.
    func dataSent(_ length: Int) {
        self.bytesIn &+= UInt64(length)
    }

    /// Notes bytes of an answer.
    func received(_ length: Int) {
        self.bytesOut &+= UInt64(length)
    }

    /// Notes the body of a CommandComplete; it is taken apart only if the unit is logged, or if
    /// another one follows.
    func completed(_ body: Span<UInt8>, in range: Range<Int>) {
        guard self.count > 0 else { return }
        self.units[self.first].setTag(body, range)
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
        var unit = self.units[self.first]
        unit.bytesOut = self.bytesOut
        if self.count == 1 { unit.bytesIn = self.bytesIn }
        return unit
    }

    private func endFirst() {
        self.bytesOut = 0
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
        if self.count == 0 {
            self.bytesOut = 0
        } else {
            self.units[self.lastIndex].bytesIn = self.bytesIn
        }
        self.bytesIn = 0
        self.count += 1
        self.units[self.lastIndex].begin(requestedAt: requestedAt, now: now)
    }

    /// Parse: the statement's name and its text, each with a terminator.
    private func parseSent(_ body: Span<UInt8>, _ range: Range<Int>, _ unit: inout Unit) {
        unit.isExtended = true
        guard let end = body.terminator(in: range) else { return }
        unit.setText(body, end + 1..<range.upperBound)
        guard end > range.lowerBound, self.names.count < Self.namesMax else { return }
        let textEnd = body.terminator(in: end + 1..<range.upperBound) ?? range.upperBound
        let limited = min(textEnd, end + 1 + Self.textMax)
        self.names[body.copy(range.lowerBound..<end)] = body.copy(end + 1..<limited)
    }

    /// Bind: the portal's name and the statement's name.
    private func bindSent(_ body: Span<UInt8>, _ range: Range<Int>, _ unit: inout Unit) {
        unit.isExtended = true
        guard unit.text.isEmpty, !self.names.isEmpty,
            let portalEnd = body.terminator(in: range),
            let end = body.terminator(in: portalEnd + 1..<range.upperBound),
            let text = self.names[body.copy(portalEnd + 1..<end)]
        else { return }
        unit.setText(text.span, 0..<text.count)
    }
}
