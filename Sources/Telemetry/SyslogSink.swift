internal import Glibc
internal import Locking

/// Hands lines to `syslog(3)`.
///
/// The C library keeps one ident, one facility and one socket for the whole process, so of several
/// writers with a syslog target the one opened last decides. A blocked log daemon blocks the
/// writer's thread only.
struct SyslogSink: Sendable {
    private let facility: Int32

    /// The names given to `openlog` so far, in memory that is never given back: the C library keeps
    /// the pointer. Each name is stored once, however often a log is opened.
    private static let names = Locked<[String: Name]>([:])

    /// `@unchecked Sendable` and `@safe`: the bytes never change and are never freed.
    @safe
    private struct Name: @unchecked Sendable {
        let text: UnsafeMutablePointer<CChar>?

        init(_ name: String) {
            unsafe self.text = strdup(name)
        }
    }

    init(_ target: LogTarget.Syslog) {
        self.facility = target.facility
        let name = Self.names.withLock { names in
            let name = names[target.ident] ?? Name(target.ident)
            names[target.ident] = name
            return name
        }
        unsafe openlog(name.text, LOG_PID | LOG_NDELAY, self.facility)
    }

    /// Sends the lines of a batch without their frames, with a report in the place of missing ones.
    func write(_ batch: LineBatch, lossReport: LineWriter.LossReport) {
        for line in batch.lines {
            self.report(line.lostBefore, lossReport)
            self.send(
                batch.bytes[(line.start + line.frameLength)..<(line.end - 1)],
                severity: line.severity
            )
        }
        self.report(batch.lostAtEnd, lossReport)
    }

    private func report(_ lost: UInt64, _ lossReport: LineWriter.LossReport) {
        guard lost > 0 else { return }
        let (line, frameLength) = lossReport(lost)
        self.send(line.dropFirst(frameLength), severity: .warning)
    }

    private func send(_ message: ArraySlice<UInt8>, severity: LogSeverity) {
        // A NUL would end the message early.
        let text = message.map { $0 == 0 ? UInt8(ascii: "?") : $0 } + [0]
        unsafe text.withUnsafeBufferPointer { buffer in
            unsafe withVaList([OpaquePointer(buffer.baseAddress!)]) { arguments in
                unsafe vsyslog(self.facility | severity.syslogPriority, "%s", arguments)
            }
        }
    }
}
