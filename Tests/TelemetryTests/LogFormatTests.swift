import Synchronization
import Testing

@testable import Telemetry

@Suite struct LogFormatTests {
    private static let summer = CivilTime(
        year: 2026,
        month: 7,
        day: 4,
        hour: 9,
        minute: 5,
        second: 3,
        offset: 7200,
        zone: "CEST"
    )

    private func text(_ line: (line: [UInt8], frameLength: Int)) -> String {
        String(decoding: line.line, as: UTF8.self)
    }

    @Test func `date, milliseconds, zone, process and level stand in their places`() {
        let format = LogFormat(processID: 4711, civilTime: { _ in Self.summer })
        let line = format.line(
            "kernel file descriptor limit: 1024",
            severity: .log,
            at: Timestamp(seconds: 1, microseconds: 7_999)
        )
        #expect(
            self.text(line)
                == "2026-07-04 09:05:03.007 CEST [4711] LOG kernel file descriptor limit: 1024"
        )
        #expect(line.line[line.frameLength...].starts(with: "kernel".utf8))
    }

    @Test func `the frame in the process's own time zone looks like PgBouncer's`() throws {
        let format = LogFormat(processID: 12)
        for severity in LogSeverity.allCases {
            let line = self.text(format.line("hello", severity: severity, at: .now))
            let pattern =
                /(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)\.\d{3} [A-Za-z0-9+-]+ \[12\] ([A-Z]+) hello/
            let match = try #require(line.wholeMatch(of: pattern), "\(line)")
            #expect(String(match.2) == severity.word)
        }
    }

    @Test func `a newline becomes newline and tab`() {
        let format = LogFormat(processID: 1, civilTime: { _ in Self.summer })
        let line = format.line(
            "first\nsecond\n",
            severity: .error,
            at: Timestamp(seconds: 0, microseconds: 0)
        )
        #expect(self.text(line).hasSuffix(" ERROR first\n\tsecond\n\t"))
    }

    @Test func `the time zone is asked once a second`() {
        let calls = Atomic<Int>(0)
        let format = LogFormat(processID: 1) { seconds in
            calls.wrappingAdd(1, ordering: .relaxed)
            var time = Self.summer
            time.second = Int(seconds)
            return time
        }
        for microseconds: Int32 in [0, 1_000, 999_999] {
            let time = Timestamp(seconds: 7, microseconds: microseconds)
            #expect(self.text(format.line("x", severity: .log, at: time)).contains(":05:07."))
        }
        #expect(calls.load(ordering: .relaxed) == 1)
        let next = Timestamp(seconds: 8, microseconds: 0)
        #expect(self.text(format.line("x", severity: .log, at: next)).contains(":05:08.000 "))
        #expect(calls.load(ordering: .relaxed) == 2)
    }

    @Test func `local time less its offset is the time that was asked for`() {
        for seconds: Int64 in [0, 951_782_399, 1_774_742_400, 1_800_000_000, 4_102_444_799, -1] {
            let civil = CivilTime.local(seconds: seconds)
            // Days since 1970 by counting leap days up to the last of February.
            let years = civil.month > 2 ? civil.year : civil.year - 1
            let monthsFromMarch = (civil.month + 9) % 12
            let days =
                years * 365 + years / 4 - years / 100 + years / 400
                + (153 * monthsFromMarch + 2) / 5 + civil.day - 1 - 719_468
            let time = days * 86_400 + civil.hour * 3600 + civil.minute * 60 + civil.second
            #expect(Int64(time - civil.offset) == seconds)
            #expect(!civil.zone.isEmpty)
        }
    }

    @Test func `a time beyond the C library's years does not trap`() {
        #expect(CivilTime.local(seconds: .max).year == 1970)
        #expect(CivilTime.local(seconds: .min).year == 1970)
    }

    @Test func `offsets west of Greenwich and of half hours are written with sign and minutes`() {
        func offset(_ seconds: Int) -> String {
            var civil = Self.summer
            civil.offset = seconds
            var bytes: [UInt8] = []
            civil.appendOffset(to: &bytes)
            return String(decoding: bytes, as: UTF8.self)
        }
        #expect(offset(0) == "+00:00")
        #expect(offset(19_800) == "+05:30")
        #expect(offset(-12_600) == "-03:30")
    }

    @Test func `a loss is reported in one framed line`() {
        let format = LogFormat(processID: 9, civilTime: { _ in Self.summer })
        #expect(self.text(format.lossReport(1)).hasSuffix("[9] WARNING 1 log line dropped here"))
        #expect(self.text(format.lossReport(25)).hasSuffix("WARNING 25 log lines dropped here"))
    }

    @Test func `decimals are padded and the ends of the range are right`() {
        func decimal(_ value: some BinaryInteger, width: Int = 1) -> String {
            var bytes: [UInt8] = []
            bytes.appendDecimal(value, width: width)
            return String(decoding: bytes, as: UTF8.self)
        }
        #expect(decimal(0) == "0")
        #expect(decimal(7, width: 3) == "007")
        #expect(decimal(1234, width: 3) == "1234")
        #expect(decimal(UInt64.max) == "18446744073709551615")
        #expect(decimal(Int64.min) == "-9223372036854775808")
    }
}
