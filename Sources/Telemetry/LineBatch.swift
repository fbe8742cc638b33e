/// Lines on their way to the writer: one run of bytes and where each line ends in it.
///
/// `LineWriter` has two of them. One is filled while the other is written; the writer swaps them,
/// so under the lock nothing is copied but the line that is appended. Both bounds, bytes and lines,
/// are fixed: what does not fit is refused and counted.
struct LineBatch: Sendable {
    /// Every line with its newline, one after the other.
    private(set) var bytes: [UInt8] = []

    /// The lines in the order in which they were appended.
    private(set) var lines: [Line] = []

    /// How many lines were refused since the last one that was accepted.
    private(set) var lostAtEnd: UInt64 = 0

    private let byteLimit: Int
    private let lineLimit: Int

    struct Line: Sendable {
        /// Where the line starts in `bytes`.
        var start: Int
        /// Where it ends, its newline included.
        var end: Int
        /// How many bytes at its start are the frame, which syslog does not get.
        var frameLength: Int
        var severity: LogSeverity
        /// How many lines were refused between the line before this one and this one.
        var lostBefore: UInt64
    }

    /// Reserves its memory at once, so that nothing is moved under the lock later; the system
    /// provides it page by page when it is first used.
    init(limits: LineWriter.Limits) {
        self.byteLimit = limits.bytes
        self.lineLimit = limits.lines
        self.bytes.reserveCapacity(limits.bytes)
        self.lines.reserveCapacity(limits.lines)
    }

    var isEmpty: Bool { self.lines.isEmpty && self.lostAtEnd == 0 }

    /// Takes a line, or counts it as lost if it does not fit.
    mutating func append(
        _ line: borrowing Span<UInt8>,
        frameLength: Int,
        severity: LogSeverity
    ) -> Bool {
        let start = self.bytes.count
        // `start` never exceeds the limit, so the subtraction cannot overflow.
        guard line.count < self.byteLimit - start, self.lines.count < self.lineLimit else {
            self.lostAtEnd &+= 1
            return false
        }
        unsafe line.withUnsafeBufferPointer { unsafe self.bytes.append(contentsOf: $0) }
        self.bytes.append(UInt8(ascii: "\n"))
        self.lines.append(
            Line(
                start: start,
                end: self.bytes.count,
                frameLength: min(max(frameLength, 0), line.count),
                severity: severity,
                lostBefore: self.lostAtEnd
            )
        )
        self.lostAtEnd = 0
        return true
    }

    /// Forgets everything but keeps the memory.
    mutating func clear() {
        self.bytes.removeAll(keepingCapacity: true)
        self.lines.removeAll(keepingCapacity: true)
        self.lostAtEnd = 0
    }
}
