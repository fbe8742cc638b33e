import Locking

/// Writes a JSON object a line for each query over the threshold.
///
/// The line is formatted on the caller's thread. Measured on the build machine under load, waking
/// the writer included: 2 µs for a statement of 100 bytes, 3 µs for 1,000, 4 µs for 4,096, and at
/// worst 16 µs for 4,096 that are all quotes, newlines or non-Latin text; once per query that took
/// a hundred milliseconds. Handing the record over instead would keep its strings and arrays alive
/// in a second queue, with reference counts that two threads change and a size that is harder to
/// bound than that of bytes. Writing is `LineWriter`'s.
public final class SlowQueryLog: Sendable {
    /// How many bytes of a statement are written if nothing else is said.
    public static let defaultStatementLimit = 4096

    /// How many bytes of any other text are written.
    public static let fieldLimit = 1024

    /// The log whose lines these records stand among while they have no target of their own: one
    /// writer, so that no line is torn by another's.
    private let shared: LineWriter?
    private let own: Locked<LineWriter?>
    private let limits: LineWriter.Limits
    private let statementLimit: Int
    private let clock: CivilTimeCache

    /// Opens the log.
    ///
    /// - Parameters:
    ///   - target: where to write; not a syslog, which would cut long lines. nil: among the lines
    ///     of `shared`.
    ///   - shared: the log to write to without a target.
    ///   - limits: how much may wait to be written.
    ///   - statementLimit: how many bytes of a statement are written.
    ///   - civilTime: converts seconds since 1970 to the time zone that is shown.
    public init(
        target: LogTarget?,
        sharing shared: LineWriter? = nil,
        limits: LineWriter.Limits = LineWriter.Limits(),
        statementLimit: Int = SlowQueryLog.defaultStatementLimit,
        civilTime: @escaping @Sendable (Int64) -> CivilTime = CivilTime.local(seconds:)
    ) throws(LogTargetError) {
        precondition(statementLimit >= 0, "statement limit \(statementLimit)")
        precondition(target != nil || shared != nil, "a slow-query log without a place")
        let clock = CivilTimeCache(civilTime)
        self.clock = clock
        self.statementLimit = statementLimit
        self.limits = limits
        self.shared = shared
        var own: LineWriter?
        if let target { own = try Self.open(target, limits, clock) }
        self.own = Locked(own)
    }

    private static func open(
        _ target: LogTarget,
        _ limits: LineWriter.Limits,
        _ clock: CivilTimeCache
    ) throws(LogTargetError) -> LineWriter {
        try LineWriter(target: target, limits: limits) { lost in
            var line = JSONLine()
            line.add("time", clock, .now)
            line.add("dropped", number: lost)
            return (line.finished(), 0)
        }
    }

    private var writer: LineWriter? { self.own.withLock { $0 } ?? self.shared }

    /// Queues a record; never waits for I/O.
    ///
    /// - Returns: false if it was dropped; the log then has a line `{"time":…,"dropped":n}`.
    @discardableResult
    public func record(_ record: SlowQueryRecord) -> Bool {
        self.writer?.append(self.line(for: record)) ?? false
    }

    /// How many records were dropped or could not be written so far.
    public var dropped: UInt64 {
        self.writer.map { $0.dropped &+ $0.unwritten } ?? 0
    }

    /// Opens its own file again under its name, as after a log rotation.
    public func reopen() throws(LogTargetError) {
        try self.own.withLock { $0 }?.reopen()
    }

    /// Writes elsewhere from now on; nil: among the lines of the shared log.
    public func retarget(_ target: LogTarget?) throws(LogTargetError) {
        let present = self.own.withLock { $0 }
        guard let target else {
            precondition(self.shared != nil, "a slow-query log without a place")
            self.own.withLock { $0 = nil }
            present?.close(timeout: Self.moveTimeout)
            return
        }
        if let present { return try present.retarget(target) }
        let fresh = try Self.open(target, self.limits, self.clock)
        self.own.withLock { $0 = fresh }
    }

    /// How long leaving a file waits for what is queued for it.
    private static let moveTimeout: Duration = .milliseconds(500)

    /// Waits until everything recorded so far has been written; false if the time was over first.
    @discardableResult
    public func flush(timeout: Duration) -> Bool {
        self.writer?.flush(timeout: timeout) ?? true
    }

    /// Writes what is queued and closes its own file; false if the time was over first.
    @discardableResult
    public func close(timeout: Duration) -> Bool {
        self.own.withLock { $0 }?.close(timeout: timeout) ?? true
    }

    /// The record as one JSON object without newline.
    func line(for record: SlowQueryRecord) -> [UInt8] {
        let (statement, isCut) = UTF8Text.prefix(
            of: record.statement.span,
            limit: self.statementLimit,
            isTruncated: record.isStatementTruncated
        )
        var line = JSONLine(capacity: 512 + statement + statement / 8)
        line.add("time", self.clock, record.time)
        line.add("total_ms", microseconds: record.totalTime)
        line.add("wait_ms", microseconds: record.waitTime)
        line.add("server_ms", microseconds: record.serverTime)
        line.add("user", text: record.user, limit: Self.fieldLimit)
        line.add("database", text: record.database, limit: Self.fieldLimit)
        line.add("client", text: record.client, limit: Self.fieldLimit)
        line.add("application_name", text: record.applicationName, limit: Self.fieldLimit)
        line.add("protocol", text: record.queryProtocol.rawValue, limit: Self.fieldLimit)
        line.add("tag", text: record.commandTag, limit: Self.fieldLimit)
        line.add("rows", number: record.rows)
        line.add("bytes_in", number: record.bytesIn)
        line.add("bytes_out", number: record.bytesOut)
        line.add("sqlstate", text: record.sqlState, limit: Self.fieldLimit)
        let serverProcessID = record.serverProcessID
        line.add("server_pid", number: serverProcessID == 0 ? nil : serverProcessID)
        line.add("client_id", number: record.clientID)
        line.add("statement", bytes: record.statement.span, count: statement)
        line.add("statement_truncated", flag: isCut)
        return line.finished()
    }
}
