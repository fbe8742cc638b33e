import Glibc
import Testing

@testable import Telemetry

@Suite(.timeLimit(.minutes(2))) struct SlowQueryLogTests {
    private static let zone: @Sendable (Int64) -> CivilTime = { seconds in
        CivilTime(
            year: 2026,
            month: 3,
            day: 1,
            hour: 7,
            minute: 8,
            second: Int(seconds % 60),
            offset: -16_200,
            zone: "VET"
        )
    }

    private static func record(_ statement: [UInt8] = Array("SELECT 1".utf8)) -> SlowQueryRecord {
        SlowQueryRecord(
            time: Timestamp(seconds: 9, microseconds: 45_678),
            totalTime: 1_234_567,
            waitTime: 1_000_000,
            serverTime: 234_007,
            user: "web",
            database: "shop",
            client: "10.0.0.7:41234",
            applicationName: "checkout",
            queryProtocol: .extended,
            commandTag: "SELECT",
            rows: 42,
            bytesIn: 100,
            bytesOut: 4096,
            statement: statement,
            serverProcessID: 4711,
            clientID: 17
        )
    }

    private static func log(
        _ target: LogTarget = LogTarget(),
        limits: LineWriter.Limits = .init(),
        statementLimit: Int = SlowQueryLog.defaultStatementLimit
    ) throws -> SlowQueryLog {
        try SlowQueryLog(
            target: target,
            limits: limits,
            statementLimit: statementLimit,
            civilTime: Self.zone
        )
    }

    private static func text(_ value: StrictJSON?) -> String? {
        if case .string(let text) = value { text } else { nil }
    }

    @Test func `a record is this line`() throws {
        let line = try Self.log().line(for: Self.record())
        #expect(
            String(decoding: line, as: UTF8.self) == """
                {"time":"2026-03-01T07:08:09.045-04:30","total_ms":1234.567,"wait_ms":1000.000,\
                "server_ms":234.007,"user":"web","database":"shop","client":"10.0.0.7:41234",\
                "application_name":"checkout","protocol":"extended","tag":"SELECT","rows":42,\
                "bytes_in":100,"bytes_out":4096,"sqlstate":null,"server_pid":4711,"client_id":17,\
                "statement":"SELECT 1","statement_truncated":false}
                """
        )
    }

    @Test func `what there was none of is null or empty`() throws {
        var record = Self.record()
        record.queryProtocol = .simple
        record.applicationName = ""
        record.commandTag = ""
        record.sqlState = "57014"
        record.serverProcessID = 0
        record.clientID = nil
        record.totalTime = 5
        record.serverTime = 0
        record.bytesOut = .max
        let object = try StrictJSON.object(try Self.log().line(for: record))
        #expect(object["protocol"] == .string("simple"))
        #expect(object["application_name"] == .string(""))
        #expect(object["tag"] == .string(""))
        #expect(object["sqlstate"] == .string("57014"))
        #expect(object["server_pid"] == .null)
        #expect(object["client_id"] == .null)
        #expect(object["total_ms"] == .number("0.005"))
        #expect(object["server_ms"] == .number("0.000"))
        #expect(object["bytes_out"] == .number("18446744073709551615"))
    }

    @Test func `every text survives quotes, control characters and line separators`() throws {
        let odd = "\u{0}\u{1}\u{8}\t\n\u{B}\u{C}\r\u{1B}[31m\"\\/\u{7F}\u{85}\u{2028}\u{2029}é€🐘"
        var record = Self.record(Array(odd.utf8))
        record.user = odd
        record.database = odd
        record.client = odd
        record.applicationName = odd
        record.commandTag = odd
        record.sqlState = odd
        let line = try Self.log().line(for: record)
        let object = try StrictJSON.object(line)
        for key in [
            "user", "database", "client", "application_name", "tag", "sqlstate", "statement",
        ] {
            #expect(Self.text(object[key]) == odd, "key \(key)")
        }
        let scalars = String(decoding: line, as: UTF8.self).unicodeScalars
        #expect(!scalars.contains { $0.properties.generalCategory == .control })
        #expect(!scalars.contains("\u{2028}") && !scalars.contains("\u{2029}"))
    }

    @Test func `every byte is right at every place of a run of plain ones`() throws {
        let log = try Self.log()
        for byte in UInt8.min...UInt8.max {
            for place in 0..<17 {
                var bytes = [UInt8](repeating: UInt8(ascii: "a"), count: 17)
                bytes[place] = byte
                let line = log.line(for: Self.record(bytes))
                let object = try StrictJSON.object(line)
                #expect(
                    Self.text(object["statement"]) == String(decoding: bytes, as: UTF8.self),
                    "byte \(byte) at \(place)"
                )
                #expect(!line.contains { $0 < 0x20 || $0 == 0x7F }, "byte \(byte) at \(place)")
            }
        }
    }

    @Test func `bytes that are no UTF-8 become replacement characters`() throws {
        let cases: [([UInt8], String)] = [
            ([0xFF], "\u{FFFD}"),
            ([0x80, 0x41], "\u{FFFD}A"),
            ([0xC3, 0x28], "\u{FFFD}("),
            // An overlong form, a surrogate, beyond U+10FFFF: one replacement a byte.
            ([0xC0, 0xAF], "\u{FFFD}\u{FFFD}"),
            ([0xED, 0xA0, 0x80], "\u{FFFD}\u{FFFD}\u{FFFD}"),
            ([0xF4, 0x90, 0x80, 0x80], "\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}"),
            // The beginning of a character, then another one: one replacement for all of it.
            ([0xF0, 0x9F, 0x90, 0x41], "\u{FFFD}A"),
            ([0xE2, 0x82, 0xE2, 0x82, 0xAC], "\u{FFFD}€"),
            ([0x41, 0xE2, 0x82], "A\u{FFFD}"),
            // Latin-1, as a client with that encoding sends it.
            ([0x63, 0x61, 0x66, 0xE9, 0x27], "caf\u{FFFD}'"),
        ]
        let log = try Self.log()
        for (bytes, expected) in cases {
            let object = try StrictJSON.object(log.line(for: Self.record(bytes)))
            #expect(Self.text(object["statement"]) == expected, "\(bytes)")
            #expect(object["statement_truncated"] == .bool(false))
        }
    }

    @Test func `a statement is cut before the character that does not fit`() throws {
        let statement = Array("aé€🐘z".utf8)
        let expected = [
            "", "a", "a", "aé", "aé", "aé", "aé€", "aé€", "aé€", "aé€", "aé€🐘", "aé€🐘z", "aé€🐘z",
        ]
        for limit in 0...12 {
            let log = try Self.log(statementLimit: limit)
            let object = try StrictJSON.object(log.line(for: Self.record(statement)))
            #expect(Self.text(object["statement"]) == expected[limit], "limit \(limit)")
            #expect(object["statement_truncated"] == .bool(limit < 11), "limit \(limit)")
        }
    }

    @Test func `a text that was cut before loses the half character at its end`() throws {
        let log = try Self.log()
        for missing in 1...3 {
            var record = Self.record(Array("SELECT '🐘".utf8.dropLast(missing)))
            record.isStatementTruncated = true
            let object = try StrictJSON.object(log.line(for: record))
            #expect(Self.text(object["statement"]) == "SELECT '")
            #expect(object["statement_truncated"] == .bool(true))
        }
        // What was never a character is not half of one.
        var record = Self.record([0x41, 0x80, 0x80, 0x80, 0x80])
        record.isStatementTruncated = true
        let object = try StrictJSON.object(log.line(for: record))
        #expect(Self.text(object["statement"]) == "A\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}")
    }

    @Test func `other texts are bounded too`() throws {
        var record = Self.record()
        record.applicationName = String(repeating: "é", count: 5000)
        let object = try StrictJSON.object(try Self.log().line(for: record))
        #expect(Self.text(object["application_name"])?.utf8.count == SlowQueryLog.fieldLimit)
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func `any bytes give valid JSON that says what Unicode says`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let whole = try Self.log()
        let cut = try Self.log(statementLimit: 20)
        for round in 0..<600 {
            let bytes = Self.randomBytes(&generator)
            let object = try StrictJSON.object(whole.line(for: Self.record(bytes)))
            // The standard library's own decoding, which follows the same rule of replacement.
            let expected = String(decoding: bytes, as: UTF8.self)
            #expect(
                Self.text(object["statement"]).map { Array($0.utf8) } == Array(expected.utf8),
                "seed \(seed), round \(round): \(bytes)"
            )
            let short = try StrictJSON.object(cut.line(for: Self.record(bytes)))
            let text = try #require(Self.text(short["statement"]))
            // At most three of the twenty bytes are given up for a half character.
            #expect(text.utf8.count >= min(bytes.count, 17), "seed \(seed), round \(round)")
            #expect(
                expected.utf8.starts(with: text.utf8),
                "seed \(seed), round \(round): \(bytes)"
            )
            #expect(short["statement_truncated"] == .bool(bytes.count > 20))
        }
    }

    /// Characters, broken characters, control characters and noise, up to 60 bytes.
    private static func randomBytes(_ generator: inout SeededGenerator) -> [UInt8] {
        let pieces: [[UInt8]] = [
            Array("SELECT * FROM \"t\" WHERE a = '\\'".utf8), Array("é".utf8), Array("€".utf8),
            Array("🐘".utf8), [0xE2, 0x82], [0xF0, 0x9F, 0x90], [0xED, 0xA0, 0x80], [0xC0, 0x80],
            [0xF8], [0x00], [0x0A], [0x1B], [0x7F], [0xC2, 0x85], [0xE2, 0x80, 0xA8],
        ]
        var bytes: [UInt8] = []
        let count = Int.random(in: 0...60, using: &generator)
        while bytes.count < count {
            if Bool.random(using: &generator) {
                bytes += pieces[Int.random(in: 0..<pieces.count, using: &generator)]
            } else {
                bytes.append(UInt8.random(in: 0...255, using: &generator))
            }
        }
        return Array(bytes.prefix(count))
    }

    private static let hasPython = unsafe system("python3 -c '' 2>/dev/null") == 0

    @Test(.enabled(if: SlowQueryLogTests.hasPython))
    func `python reads back what was written`() throws {
        let folder = TemporaryFolder()
        let path = folder.file("slow.json")
        let log = try Self.log(LogTarget(file: path))
        var generator = SeededGenerator(seed: 99)
        var expected: [[UInt8]] = []
        for _ in 0..<500 {
            let bytes = Self.randomBytes(&generator)
            expected.append(Array(String(decoding: bytes, as: UTF8.self).utf8))
            #expect(log.record(Self.record(bytes)))
        }
        #expect(log.close(timeout: .seconds(10)))

        // Prints each statement as hexadecimal UTF-8; splitlines() must see the lines that we mean.
        let program = """
            import json
            for line in open("\(path)", encoding="utf-8", newline="").read().splitlines():
                row = json.loads(line)
                assert row["total_ms"] == 1234.567 and row["rows"] == 42, row
                assert row["sqlstate"] is None and row["statement_truncated"] is False, row
                print(row["statement"].encode().hex())
            """
        let script = folder.file("read.py")
        let writer = try LineWriter(target: LogTarget(file: script)) { _ in ([], 0) }
        writer.append(program)
        #expect(writer.close(timeout: .seconds(10)))
        let output = folder.file("output")
        #expect(unsafe system("python3 \(script) > \(output)") == 0)
        let hexadecimal = expected.map { bytes in
            bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        }
        #expect(TemporaryFolder.lines(output) == hexadecimal)
    }

    @Test func `dropped records are counted and reported as a line of JSON`() throws {
        var ends: [Int32] = [0, 0]
        #expect(unsafe pipe(&ends) == 0)
        defer { close(ends[0]) }
        let log = try Self.log(
            LogTarget(descriptor: ends[1]),
            limits: .init(bytes: 20_000, lines: 1000)
        )
        let total = 2000
        var accepted = 0
        for _ in 0..<total where log.record(Self.record()) { accepted += 1 }
        #expect(accepted < total)
        #expect(log.dropped == UInt64(total - accepted))
        let collected = Collected()
        let thread = collected.read(ends[0])
        #expect(log.close(timeout: .seconds(10)))
        close(ends[1])
        pthread_join(thread, nil)

        var records = 0
        var dropped = 0
        for line in TemporaryFolder.lines(in: collected.bytes) {
            let object = try StrictJSON.object(Array(line.utf8))
            if case .number(let count) = object["dropped"] {
                #expect(Set(object.keys) == ["time", "dropped"])
                dropped += try #require(Int(count))
            } else {
                #expect(object["statement"] == .string("SELECT 1"))
                records += 1
            }
        }
        #expect(records == accepted)
        #expect(records + dropped == total)
    }

    @Test func `the file is opened again after a rotation`() throws {
        let folder = TemporaryFolder()
        let path = folder.file("slow.json")
        let log = try Self.log(LogTarget(file: path))
        log.record(Self.record())
        #expect(log.flush(timeout: .seconds(10)))
        #expect(unsafe rename(path, folder.file("slow.json.1")) == 0)
        try log.reopen()
        log.record(Self.record())
        #expect(log.close(timeout: .seconds(10)))
        #expect(TemporaryFolder.lines(path).count == 1)
        #expect(TemporaryFolder.lines(folder.file("slow.json.1")).count == 1)
    }
}
