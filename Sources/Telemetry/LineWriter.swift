internal import Synchronization

/// Writes lines on a thread of its own, so that nobody who logs ever waits for a disk or a reader.
///
/// `append` copies the line into bounded memory under a short lock and returns. The writer's thread
/// takes everything that has gathered since its last write in one step. When the reader is slower
/// than the lines come, memory stays bounded: lines are dropped and counted, and once there is room
/// again one line in their place says how many are missing.
///
/// Make it after any `fork`: the thread does not survive one. Call `close` before letting it go:
/// without, the thread still writes what is queued and ends, but for a reader that never reads it
/// waits for ever.
public final class LineWriter: Sendable {
    /// How much may wait to be written. While one such batch is being written the next one gathers,
    /// so at most twice this is held.
    public struct Limits: Sendable, Equatable {
        /// Bytes, newlines included.
        public var bytes: Int
        /// Lines.
        public var lines: Int

        /// Sets both. The address space is reserved at once, the memory is used as lines come.
        ///
        /// The defaults hold several seconds of a very talkative pooler.
        public init(bytes: Int = 1 << 20, lines: Int = 16_384) {
            precondition(bytes > 0 && lines > 0, "empty limits: \(bytes) bytes, \(lines) lines")
            self.bytes = bytes
            self.lines = lines
        }
    }

    /// Formats the line, without newline, that says how many lines are missing at its place.
    ///
    /// Called on the writer's thread. `frameLength` is the length of the part that syslog is not
    /// given.
    public typealias LossReport =
        @Sendable (_ lost: UInt64) -> (line: [UInt8], frameLength: Int)

    private let queue: LineQueue

    /// Opens the target and starts the thread.
    ///
    /// - Parameters:
    ///   - target: where to write.
    ///   - limits: how much may wait.
    ///   - lossReport: formats the line that takes the place of lines that were dropped.
    public init(
        target: LogTarget,
        limits: Limits = Limits(),
        lossReport: @escaping LossReport
    ) throws(LogTargetError) {
        let sinks = try LineSinks(opening: target)
        let queue = LineQueue(limits: limits, target: target)
        try LineWriterThread.start(queue: queue, sinks: sinks, lossReport: lossReport)
        self.queue = queue
    }

    deinit {
        self.queue.stop()
    }

    /// Queues one line; never waits for I/O.
    ///
    /// - Parameters:
    ///   - line: the line without newline. Newlines inside are the caller's to replace.
    ///   - frameLength: how many bytes at its start syslog is not given.
    ///   - severity: its priority in syslog.
    /// - Returns: false if the line was dropped: no room, larger than the limit, or closed.
    @discardableResult
    public func append(
        _ line: borrowing Span<UInt8>,
        frameLength: Int = 0,
        severity: LogSeverity = .log
    ) -> Bool {
        self.queue.append(line, frameLength: frameLength, severity: severity)
    }

    /// Queues one line; never waits for I/O.
    @discardableResult
    public func append(
        _ line: [UInt8],
        frameLength: Int = 0,
        severity: LogSeverity = .log
    ) -> Bool {
        self.queue.append(line.span, frameLength: frameLength, severity: severity)
    }

    /// Queues one line; never waits for I/O.
    @discardableResult
    public func append(
        _ line: String,
        frameLength: Int = 0,
        severity: LogSeverity = .log
    ) -> Bool {
        self.queue.append(line.utf8.span, frameLength: frameLength, severity: severity)
    }

    /// How many lines `append` has refused so far.
    public var dropped: UInt64 { self.queue.dropped }

    /// How many lines could not be written so far: the disk was full, the reader gone or, with
    /// several destinations, too slow. A line counts once for each destination that lacks it.
    public var unwritten: UInt64 { self.queue.unwritten }

    /// Opens the file again under its name, as after a log rotation.
    ///
    /// Opens on the calling thread, so that the caller learns of a failure; the writer changes over
    /// before its next write. If it fails, the writer goes on with what it has.
    public func reopen() throws(LogTargetError) {
        try self.retarget(self.queue.target)
    }

    /// Writes elsewhere from the next write on. If it fails, the writer goes on with what it has.
    public func retarget(_ target: LogTarget) throws(LogTargetError) {
        let sinks = try LineSinks(opening: target)
        guard self.queue.replaceSinks(with: sinks, for: target) else { throw .closed }
    }

    /// Waits until everything that was queued before has been written, or could not be.
    ///
    /// - Returns: false if the time was over first.
    @discardableResult
    public func flush(timeout: Duration) -> Bool {
        self.queue.flush(timeout: timeout)
    }

    /// Writes what is queued, ends the thread and closes the file; later lines are dropped.
    ///
    /// - Returns: false if the time was over first. Then what is left is given up: a reader that
    ///   does not read cannot keep the process from ending.
    @discardableResult
    public func close(timeout: Duration) -> Bool {
        self.queue.close(timeout: timeout)
    }
}
