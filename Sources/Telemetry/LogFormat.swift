/// PgBouncer's log frame: `YYYY-MM-DD HH:MM:SS.mmm TZ [PID] LEVEL message`.
///
/// One object serves all threads.
public final class LogFormat: Sendable {
    private let clock: CivilTimeCache
    private let processText: [UInt8]

    /// Makes a format.
    ///
    /// - Parameters:
    ///   - processID: the number in brackets.
    ///   - civilTime: converts seconds since 1970 to the time zone that is shown.
    public init(
        processID: Int32,
        civilTime: @escaping @Sendable (Int64) -> CivilTime = CivilTime.local(seconds:)
    ) {
        self.processText = Array(" [\(processID)] ".utf8)
        self.clock = CivilTimeCache(civilTime)
    }

    /// Formats one line, without the newline at its end.
    ///
    /// A newline inside the message becomes newline and tab, so that every line that starts a
    /// record starts with a date.
    ///
    /// - Returns: the line, and how many bytes of it come before the message.
    public func line(
        _ message: String,
        severity: LogSeverity,
        at time: Timestamp
    ) -> (line: [UInt8], frameLength: Int) {
        var line: [UInt8] = []
        line.reserveCapacity(message.utf8.count + 64)
        self.appendTime(time, to: &line)
        line += self.processText
        line += severity.word.utf8
        line.append(UInt8(ascii: " "))
        let frameLength = line.count
        for byte in message.utf8 {
            line.append(byte)
            if byte == UInt8(ascii: "\n") { line.append(UInt8(ascii: "\t")) }
        }
        return (line, frameLength)
    }

    /// A report of missing log lines in this format, for `LineWriter`.
    public var lossReport: LineWriter.LossReport {
        { lost in
            self.line(
                "\(lost) log line\(lost == 1 ? "" : "s") dropped here",
                severity: .warning,
                at: .now
            )
        }
    }

    private func appendTime(_ time: Timestamp, to line: inout [UInt8]) {
        let civil = self.clock.civilTime(at: time.seconds)
        civil.append(to: &line, separator: UInt8(ascii: " "))
        line.append(UInt8(ascii: "."))
        line.appendDecimal(time.milliseconds, width: 3)
        line.append(UInt8(ascii: " "))
        line += civil.zone.utf8
    }
}
