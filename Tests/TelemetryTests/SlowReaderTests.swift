import Glibc
import Telemetry
import Testing

/// Readers that are slow, absent or gone must cost whoever logs neither time nor memory.
@Suite(.timeLimit(.minutes(1))) struct SlowReaderTests {
    /// Both ends of a pipe; what is still open is closed with the object.
    private final class Pipe {
        private(set) var reader: Int32
        private(set) var writer: Int32

        init() {
            var ends: [Int32] = [0, 0]
            precondition(unsafe pipe(&ends) == 0, "pipe failed with errno \(errno)")
            (self.reader, self.writer) = (ends[0], ends[1])
        }

        deinit {
            self.closeReader()
            self.closeWriter()
        }

        func closeReader() {
            if self.reader >= 0 { close(self.reader) }
            self.reader = -1
        }

        func closeWriter() {
            if self.writer >= 0 { close(self.writer) }
            self.writer = -1
        }
    }

    private static func writer(
        _ target: LogTarget,
        limits: LineWriter.Limits = .init(bytes: 50_000, lines: 5000)
    ) throws -> LineWriter {
        try LineWriter(target: target, limits: limits) { lost in (Array("lost \(lost)".utf8), 0) }
    }

    private static func line(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: 99 - digits.count) + digits
    }

    /// Reads lines and loss reports and adds both up; fails on anything torn or out of order.
    private static func check(_ lines: [String], of total: Int) {
        var next = 0
        for line in lines {
            if line.hasPrefix("lost ") {
                next += Int(line.dropFirst(5)) ?? 1_000_000
            } else {
                #expect(line.utf8.count == 99)
                #expect(Int(line) == next)
                next += 1
            }
        }
        #expect(next == total)
    }

    @Test func `a pipe that nobody reads does not slow the caller and losses are counted`() throws {
        let pipe = Pipe()
        let writer = try Self.writer(LogTarget(descriptor: pipe.writer))
        let total = 20_000
        let clock = ContinuousClock()
        var accepted = 0
        let time = clock.measure {
            for number in 0..<total where writer.append(Self.line(number)) { accepted += 1 }
        }
        // Two megabytes against a 64 KiB pipe and two batches of 50 kB.
        #expect(accepted < 2000)
        #expect(accepted >= 500)
        #expect(writer.dropped == UInt64(total - accepted))
        #expect(time < .seconds(5), "appending took \(time)")
        #expect(!writer.flush(timeout: .milliseconds(50)))

        // The reader comes back: what was kept arrives whole, and one line says what is missing.
        let reader = pipe.reader
        let collected = Collected()
        let thread = collected.read(reader)
        #expect(writer.flush(timeout: .seconds(10)))
        #expect(writer.append(Self.line(total)))
        #expect(writer.close(timeout: .seconds(10)))
        pipe.closeWriter()
        pthread_join(thread, nil)
        let lines = TemporaryFolder.lines(in: collected.bytes)
        Self.check(lines, of: total + 1)
        #expect(lines.count { !$0.hasPrefix("lost ") } == accepted + 1)
        #expect(writer.unwritten == 0)
    }

    @Test func `close gives up on a reader that does not read`() throws {
        let pipe = Pipe()
        let writer = try Self.writer(LogTarget(descriptor: pipe.writer))
        for number in 0..<5000 { writer.append(Self.line(number)) }
        let clock = ContinuousClock()
        let time = clock.measure {
            #expect(!writer.close(timeout: .milliseconds(100)))
        }
        #expect(time >= .milliseconds(100) && time < .seconds(5), "closing took \(time)")
        // The thread gives up too: the second close sees it end.
        #expect(writer.close(timeout: .seconds(10)))
        #expect(writer.unwritten > 0)
    }

    @Test func `a reader that does not read cannot hold up the file beside it`() throws {
        let folder = TemporaryFolder()
        let path = folder.file("log")
        let pipe = Pipe()
        let writer = try Self.writer(LogTarget(file: path, descriptor: pipe.writer))
        let total = 4000
        let clock = ContinuousClock()
        let time = clock.measure {
            for number in 0..<total {
                writer.append(Self.line(number))
                if number % 200 == 199 { #expect(writer.flush(timeout: .seconds(10))) }
            }
        }
        // The writer waits for the reader once, 250 ms, and not again for each of 17 more batches.
        #expect(time < .seconds(4), "writing took \(time)")
        #expect(TemporaryFolder.lines(path) == (0..<total).map(Self.line))
        #expect(writer.dropped == 0)
        let missing = writer.unwritten
        #expect(missing > 0)

        // Once it reads again, the pipe gets its report and then everything.
        let collected = Collected()
        let thread = collected.read(pipe.reader)
        repeat {
            sched_yield()
        } while collected.count < 40_000
        #expect(writer.append(Self.line(total)))
        #expect(writer.close(timeout: .seconds(10)))
        pipe.closeWriter()
        pthread_join(thread, nil)
        // The line during which the reader stopped may be there in part: it ends at the report.
        let lines = TemporaryFolder.lines(in: collected.bytes)
        let whole = lines.filter { $0.utf8.count == 99 || $0.hasPrefix("lost ") }
        #expect(lines.count - whole.count <= 1)
        Self.check(whole, of: total + 1)
    }

    @Test func `a line that was cut short ends before the report of it`() throws {
        let folder = TemporaryFolder()
        let path = folder.file("log")
        let pipe = Pipe()
        let writer = try Self.writer(
            LogTarget(file: path, descriptor: pipe.writer),
            limits: .init(bytes: 300_000, lines: 10)
        )
        // Larger than the pipe, so that it cannot get through.
        let long = [UInt8](repeating: UInt8(ascii: "x"), count: 200_000)
        #expect(writer.append(long))
        #expect(writer.flush(timeout: .seconds(10)))
        #expect(writer.unwritten == 1)

        var kept = [UInt8](repeating: 0, count: 200_000)
        let count = unsafe read(pipe.reader, &kept, kept.count)
        #expect(count > 0 && count < long.count)
        #expect(kept[..<count] == long[..<count])
        #expect(writer.append("after"))
        #expect(writer.close(timeout: .seconds(10)))
        pipe.closeWriter()
        let rest = TemporaryFolder.readToEnd(pipe.reader)
        #expect(String(decoding: rest, as: UTF8.self) == "\nlost 1\nafter\n")
        #expect(TemporaryFolder.lines(path).map(\.utf8.count) == [200_000, 5])
    }

    @Test func `a reader that has gone is an error, not a signal`() throws {
        let pipe = Pipe()
        pipe.closeReader()
        let writer = try Self.writer(LogTarget(descriptor: pipe.writer))
        for number in 0..<10 { #expect(writer.append(Self.line(number))) }
        #expect(writer.close(timeout: .seconds(10)))
        #expect(writer.unwritten == 10)
    }

    @Test func `a socket that nobody reads is like a pipe`() throws {
        var ends: [Int32] = [0, 0]
        let type = Int32(SOCK_STREAM.rawValue)
        #expect(unsafe socketpair(AF_UNIX, type, 0, &ends) == 0)
        defer {
            close(ends[0])
            close(ends[1])
        }
        let writer = try Self.writer(LogTarget(descriptor: ends[1]))
        let total = 20_000
        for number in 0..<total { writer.append(Self.line(number)) }
        #expect(writer.dropped > 0)
        let collected = Collected()
        let thread = collected.read(ends[0])
        #expect(writer.close(timeout: .seconds(10)))
        #expect(shutdown(ends[1], Int32(SHUT_WR)) == 0)
        pthread_join(thread, nil)
        Self.check(TemporaryFolder.lines(in: collected.bytes), of: total)
    }
}
