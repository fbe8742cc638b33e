import Telemetry
import Testing

@Suite(.timeLimit(.minutes(1))) struct LogTargetTests {
    @Test func `facilities have their names from PgBouncer's settings`() {
        #expect(LogTarget.Syslog.facility(named: "user") == 1 << 3)
        #expect(LogTarget.Syslog.facility(named: "daemon") == 3 << 3)
        #expect(LogTarget.Syslog.facility(named: "auth") == 4 << 3)
        #expect(LogTarget.Syslog.facility(named: "authpriv") == 10 << 3)
        for number: Int32 in 0...7 {
            #expect(LogTarget.Syslog.facility(named: "local\(number)") == (16 + number) << 3)
        }
        #expect(LogTarget.Syslog.facility(named: "local8") == nil)
        #expect(LogTarget.Syslog.facility(named: "") == nil)
        #expect(LogTarget.Syslog(ident: "weir").facility == 3 << 3)
    }

    @Test func `syslog beside a file takes nothing from it`() throws {
        let folder = TemporaryFolder()
        let path = folder.file("log")
        let target = LogTarget(file: path, syslog: .init(ident: "weir-test"))
        let writer = try LineWriter(target: target, limits: .init(bytes: 64, lines: 8)) { lost in
            (Array("frame lost \(lost)".utf8), 6)
        }
        // A NUL, conversions of printf and an empty message must do no harm on the way.
        writer.append("frame %s%n", frameLength: 6, severity: .error)
        writer.append("a\u{0}b")
        writer.append("frame ", frameLength: 6)
        #expect(!writer.append([UInt8](repeating: 0x61, count: 64)))
        try writer.reopen()
        #expect(writer.close(timeout: .seconds(10)))
        #expect(
            TemporaryFolder.lines(path) == ["frame %s%n", "a\u{0}b", "frame ", "frame lost 1"]
        )
    }
}
