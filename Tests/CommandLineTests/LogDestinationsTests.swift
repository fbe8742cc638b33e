import Settings
import Telemetry
import Testing

@testable import weir

/// Who reads a stream finds there what the documentation says, and nothing is written where -q or
/// -d forbids it.
struct LogDestinationsTests {
    private func destinations(_ usesStandardError: Bool, _ text: String) throws -> LogDestinations {
        let settings = try Settings(parsing: "[weir]\n\(text)", file: "t")
        return LogDestinations(settings.global, usesStandardError: usesStandardError)
    }

    @Test func `without settings both go to standard error`() throws {
        let places = try self.destinations(true, "")
        #expect(places.log == .standardError)
        #expect(places.slowQueries == nil, "among the log's own lines")
    }

    @Test func `a log file is written beside standard error, and without it for -q`() throws {
        let loud = try self.destinations(true, "logfile = /l")
        #expect(loud.log == LogTarget(file: "/l", descriptor: 2))
        #expect(loud.slowQueries == nil)
        #expect(try self.destinations(false, "logfile = /l").log == LogTarget(file: "/l"))
    }

    @Test func `slow queries have their file to themselves`() throws {
        let places = try self.destinations(true, "logfile = /l\nslow_query_log = /s")
        #expect(places.slowQueries == LogTarget(file: "/s"))
    }

    @Test func `syslog gets the log and never the slow queries`() throws {
        let text = "syslog = 1\nsyslog_ident = w\nsyslog_facility = local3"
        let places = try self.destinations(false, text)
        #expect(places.log.syslog == LogTarget.Syslog(ident: "w", facility: 19 << 3))
        let slowQueries = try #require(places.slowQueries)
        #expect(slowQueries.syslog == nil)
        #expect(places.dropsSlowQueries)
    }
}
