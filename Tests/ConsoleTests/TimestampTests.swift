import Glibc
import Testing

@testable import Console

struct TimestampTests {
    @Test func `text is the date, the time and the zone, of the process's own time zone`() throws {
        // A winter's and a summer's day, so that a zone with two names is right in both.
        for seconds in [1_700_000_000, 1_720_000_000, 0, -1] {
            let text = Timestamp(Int64(seconds) * 1_000_000).text
            let match = try #require(
                text.wholeMatch(of: /(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) (\S+)/)
            )
            #expect(String(match.output.1) == Self.civil(seconds))
        }
    }

    @Test func `fractions of a second are cut, before 1970 too`() {
        #expect(Timestamp(1_999_999).text == Timestamp(1_000_000).text)
        #expect(Timestamp(-1).text == Timestamp(-1_000_000).text)
        #expect(Timestamp(-1_000_001).text == Timestamp(-2_000_000).text)
    }

    @Test func `no number of microseconds is too large or too small`() {
        #expect(Timestamp(.max).text.hasPrefix("294247-01-"))
        #expect(!Timestamp(.min).text.isEmpty)
    }

    /// The local date and time by the rules of the calendar, from nothing but the zone's distance
    /// to UTC at that time.
    private static func civil(_ seconds: Int) -> String {
        var time = time_t(seconds)
        var parts = unsafe tm()
        unsafe localtime_r(&time, &parts)
        let local = unsafe seconds + parts.tm_gmtoff
        var days = Int((Double(local) / 86_400).rounded(.down))
        let rest = local - days * 86_400
        var year = 1970
        while days < 0 || days >= Self.length(year) {
            days += days < 0 ? Self.length(year - 1) : -Self.length(year)
            year += local < 0 ? -1 : 1
        }
        var month = 0
        var lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        lengths[1] += Self.length(year) - 365
        while days >= lengths[month] {
            days -= lengths[month]
            month += 1
        }
        let pad = { (number: Int) in number < 10 ? "0\(number)" : "\(number)" }
        return "\(year)-\(pad(month + 1))-\(pad(days + 1)) "
            + "\(pad(rest / 3600)):\(pad(rest / 60 % 60)):\(pad(rest % 60))"
    }

    private static func length(_ year: Int) -> Int {
        year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 366 : 365
    }
}
