internal import Glibc

/// Writes batches of lines to one descriptor, and remembers what is missing there.
///
/// The descriptor may be shared with other processes (standard error), so it is never switched to
/// non-blocking. Instead `poll` is asked before each write, and a write to anything but a regular
/// file takes at most `PIPE_BUF` bytes, for which a writable pipe always has room.
struct DescriptorSink: Sendable {
    let descriptor: Int32

    /// Keeps the file open, if it is ours.
    private let file: LogFile?

    /// Whether to wait for a slow reader as long as it takes, or to leave lines out.
    private let isPatient: Bool

    private let kind: Kind

    /// Lines that are missing at this place and were not reported yet.
    private(set) var lost: UInt64 = 0

    /// Whether the reader did not keep up, so that it is not waited for again until it reads.
    private var isStalled = false

    /// Whether the last write stopped in the middle of a line.
    private var endsInsideLine = false

    private enum Kind: Sendable {
        case regularFile
        case socket
        case other
    }

    /// How long an impatient sink waits for its reader, in milliseconds.
    private static let patience: Int32 = 250

    /// How often a patient sink looks whether it should give up, in milliseconds.
    private static let pollSlice: Int32 = 100

    /// The largest write to a pipe that a writable pipe takes without blocking (`PIPE_BUF`).
    private static let pipeChunk = 4096

    /// The largest write to a regular file.
    private static let fileChunk = 1 << 18

    init(descriptor: Int32, file: LogFile? = nil, isPatient: Bool) {
        self.descriptor = descriptor
        self.file = file
        self.isPatient = isPatient
        self.kind = Self.kind(of: descriptor)
    }

    /// Takes over what an earlier sink for the same purpose still has to report.
    mutating func inherit(from earlier: DescriptorSink) {
        self.lost = earlier.lost
        self.endsInsideLine = earlier.endsInsideLine
    }

    /// Writes the lines of a batch, with a report in the place of missing ones.
    ///
    /// - Returns: how many lines could not be written.
    mutating func write(
        _ batch: LineBatch,
        for queue: LineQueue,
        lossReport: LineWriter.LossReport
    ) -> UInt64 {
        var unwritten: UInt64 = 0
        var first = 0
        while first < batch.lines.count {
            var next = first + 1
            while next < batch.lines.count, batch.lines[next].lostBefore == 0 { next += 1 }
            self.lost &+= batch.lines[first].lostBefore
            let run = first..<next
            let missing = UInt64(run.count - self.writeRun(run, of: batch, queue, lossReport))
            self.lost &+= missing
            unwritten &+= missing
            first = next
        }
        self.lost &+= batch.lostAtEnd
        _ = self.reportLoss(queue, lossReport)
        return unwritten
    }

    /// Writes adjacent lines; returns how many of them were written to their end.
    private mutating func writeRun(
        _ run: Range<Int>,
        of batch: LineBatch,
        _ queue: LineQueue,
        _ lossReport: LineWriter.LossReport
    ) -> Int {
        guard self.reportLoss(queue, lossReport) else { return 0 }
        let start = batch.lines[run.lowerBound].start
        let end = batch.lines[run.upperBound - 1].end
        let reached = start + self.write(batch.bytes, from: start, to: end, queue)
        if reached == end { return run.count }
        let complete = batch.lines[run].prefix { $0.end <= reached }
        self.endsInsideLine = reached > (complete.last?.end ?? start)
        return complete.count
    }

    /// Reports missing lines, if there are any; false if the report could not be written.
    private mutating func reportLoss(
        _ queue: LineQueue,
        _ lossReport: LineWriter.LossReport
    ) -> Bool {
        guard self.lost > 0 || self.endsInsideLine else { return true }
        var report: [UInt8] = self.endsInsideLine ? [UInt8(ascii: "\n")] : []
        if self.lost > 0 {
            report += lossReport(self.lost).line
            report.append(UInt8(ascii: "\n"))
        }
        let written = self.write(report, from: 0, to: report.count, queue)
        guard written == report.count else {
            if written > 0 { self.endsInsideLine = report[written - 1] != UInt8(ascii: "\n") }
            return false
        }
        self.lost = 0
        self.endsInsideLine = false
        return true
    }

    /// Writes bytes until they end, an error occurs or patience does; returns how many.
    private mutating func write(
        _ bytes: [UInt8],
        from start: Int,
        to end: Int,
        _ queue: LineQueue
    ) -> Int {
        var position = start
        while position < end {
            if self.kind != .regularFile, !self.waitUntilWritable(queue) { break }
            let chunk = self.kind == .regularFile ? Self.fileChunk : Self.pipeChunk
            let result = self.writeOnce(bytes, from: position, count: min(chunk, end - position))
            if result >= 0 {
                position += result
                self.isStalled = false
            } else if errno != EINTR && errno != EAGAIN {
                break
            }
        }
        return position - start
    }

    private func writeOnce(_ bytes: [UInt8], from position: Int, count: Int) -> Int {
        unsafe bytes.withUnsafeBytes { buffer in
            let part = unsafe UnsafeRawBufferPointer(rebasing: buffer[position..<position + count])
            return if self.kind == .socket {
                unsafe send(
                    self.descriptor,
                    part.baseAddress,
                    count,
                    Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)
                )
            } else {
                unsafe Glibc.write(self.descriptor, part.baseAddress, count)
            }
        }
    }

    /// Waits until a write would not block; false if patience has ended or `close` has given up.
    ///
    /// Errors count as writable: the write itself then says what is wrong.
    private mutating func waitUntilWritable(_ queue: LineQueue) -> Bool {
        var request = pollfd(descriptor: self.descriptor)
        var waited: Int32 = 0
        while true {
            let slice = self.slice(after: waited, isGivenUp: queue.isGivenUp)
            if unsafe poll(&request, 1, slice) > 0 { return true }
            waited = min(waited + slice, Self.patience)
            let isOver = self.isStalled || waited >= Self.patience
            if queue.isGivenUp || (isOver && !self.isPatient) {
                self.isStalled = true
                return false
            }
        }
    }

    private func slice(after waited: Int32, isGivenUp: Bool) -> Int32 {
        if isGivenUp { return 0 }
        if self.isPatient { return Self.pollSlice }
        return self.isStalled ? 0 : min(Self.pollSlice, Self.patience - waited)
    }

    private static func kind(of descriptor: Int32) -> Kind {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { return .other }
        return switch status.st_mode & S_IFMT {
        case S_IFREG: .regularFile
        case S_IFSOCK: .socket
        default: .other
        }
    }
}

extension pollfd {
    fileprivate init(descriptor: Int32) {
        self.init(fd: descriptor, events: Int16(POLLOUT), revents: 0)
    }
}
