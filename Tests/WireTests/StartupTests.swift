import TestSupport
import Testing
import Wire

struct StartupTests {
    private func packet(_ code: Int, _ body: [UInt8] = []) -> [UInt8] {
        RawMessage.int32(body.count + 8) + RawMessage.int32(code) + body
    }

    private func startup(_ pairs: String, minor: Int = 0) -> [UInt8] {
        self.packet(3 << 16 | minor, Array(pairs.utf8))
    }

    private func parse(_ bytes: [UInt8]) throws(StartupError) -> StartupRequest {
        try StartupRequest(parsing: bytes.span)
    }

    @Test func `encryption requests are told apart`() throws {
        #expect(try self.parse([0, 0, 0, 8, 4, 210, 22, 47]) == .ssl)
        #expect(try self.parse([0, 0, 0, 8, 4, 210, 22, 48]) == .gss)
    }

    @Test func `a cancel request carries process and secret`() throws {
        let bytes: [UInt8] = [0, 0, 0, 16, 4, 210, 22, 46, 0, 0, 1, 2, 0xff, 0, 0, 3]
        #expect(
            try self.parse(bytes) == .cancel(CancelKey(processID: 258, secret: [0xff, 0, 0, 3]))
        )
    }

    @Test(arguments: [1, 3, 4, 5, 16, 32, 255, 256])
    func `a cancel request may have a secret of many lengths`(length: Int) throws {
        let secret = (0..<length).map { UInt8(truncatingIfNeeded: $0) }
        let request = try self.parse(self.packet(80_877_102, [0, 0, 1, 2] + secret))
        #expect(request == .cancel(CancelKey(processID: 258, secret: secret)))
    }

    @Test(arguments: [0, 1, 4, 4 + Limits.cancelSecretMax + 1, 1_024])
    func `a cancel request without a secret or with too long a one is refused`(length: Int) {
        #expect(throws: StartupError.invalidCancel) {
            try self.parse(self.packet(80_877_102, [UInt8](repeating: 1, count: length)))
        }
    }

    @Test func `a startup message gives user, database and the rest in order`() throws {
        let bytes = self.startup(
            "application_name\0psql\0user\0ann\0database\0shop\0client_encoding\0UTF8\0\0"
        )
        let expected = StartupParameters(
            user: "ann",
            database: "shop",
            others: [
                .init(name: "application_name", value: "psql"),
                .init(name: "client_encoding", value: "UTF8"),
            ]
        )
        #expect(try self.parse(bytes) == .startup(expected))
        #expect(!expected.needsNegotiation)
    }

    @Test func `without a database the user's name is meant`() throws {
        #expect(
            try self.parse(self.startup("user\0ann\0\0"))
                == .startup(StartupParameters(user: "ann", database: "ann"))
        )
        #expect(
            try self.parse(self.startup("user\0ann\0database\0\0\0"))
                == .startup(StartupParameters(user: "ann", database: "ann"))
        )
    }

    @Test func `the last of two users counts, as in PostgreSQL`() throws {
        #expect(
            try self.parse(self.startup("user\0ann\0user\0bob\0\0"))
                == .startup(StartupParameters(user: "bob", database: "bob"))
        )
    }

    @Test(arguments: [
        (0, 0, false), (1, 0, true), (2, 2, false), (3, 2, true), (9_999, 2, true),
        (0xffff, 2, true),
    ])
    func `a minor version is agreed on`(minor: Int, agreed: Int, isNegotiated: Bool) throws {
        let request = try self.parse(self.startup("user\0ann\0\0", minor: minor))
        guard case .startup(let startup) = request else {
            Issue.record("\(request)")
            return
        }
        #expect(startup.minor == Int32(minor) && startup.agreedMinor == Int32(agreed))
        #expect(startup.needsNegotiation == isNegotiated)
    }

    @Test func `unknown options need negotiation`() throws {
        let optional = try self.parse(self.startup("user\0ann\0_pq_.x\0on\0_pq_.y\0\0\0"))
        guard case .startup(let parameters) = optional else {
            Issue.record("\(optional)")
            return
        }
        #expect(parameters.protocolOptions == ["_pq_.x", "_pq_.y"])
        #expect(parameters.others.isEmpty && parameters.needsNegotiation)
    }

    @Test(arguments: [2 << 16, 1 << 16, 4 << 16, 2 << 16 | 7, 0])
    func `other protocols are refused by their version`(code: Int) {
        let bytes = self.packet(code, Array("user\0ann\0\0".utf8))
        let expected = StartupError.unsupportedVersion(major: code >> 16, minor: code & 0xffff)
        #expect(throws: expected) { try self.parse(bytes) }
    }

    /// `|` stands for the terminator.
    @Test(arguments: [
        "user|ann|", "user|ann", "user", "user|", "user|ann||x", "user|ann|||",
        "user|ann|database||", "||", "",
    ])
    func `a layout without its terminator as last byte is refused`(pairs: String) {
        let text = String(pairs.map { $0 == "|" ? "\0" : $0 })
        #expect(throws: StartupError.invalidLayout) { try self.parse(self.startup(text)) }
    }

    @Test func `a startup message without a user is refused`() {
        #expect(throws: StartupError.noUser) { try self.parse(self.startup("\0")) }
        #expect(throws: StartupError.noUser) { try self.parse(self.startup("user\0\0\0")) }
        #expect(throws: StartupError.noUser) { try self.parse(self.startup("database\0d\0\0")) }
    }

    @Test func `names as long as the limit pass and longer ones do not`() throws {
        let longest = String(repeating: "n", count: Limits.nameLengthMax)
        let request = try self.parse(self.startup("user\0\(longest)\0database\0\(longest)\0\0"))
        #expect(request == .startup(StartupParameters(user: longest, database: longest)))
        #expect(throws: StartupError.userTooLong) {
            try self.parse(self.startup("user\0\(longest)n\0\0"))
        }
        #expect(throws: StartupError.databaseTooLong) {
            try self.parse(self.startup("user\0ann\0database\0\(longest)n\0\0"))
        }
    }

    @Test func `as many parameters as the limit pass and one more does not`() throws {
        func pairs(_ count: Int) -> String {
            "user\0ann\0" + String(repeating: "a\0b\0", count: count - 1) + "\0"
        }
        _ = try self.parse(self.startup(pairs(Limits.startupParametersMax)))
        #expect(throws: StartupError.tooManyParameters) {
            try self.parse(self.startup(pairs(Limits.startupParametersMax + 1)))
        }
    }

    @Test func `text that is no UTF-8 is refused wherever it stands`() {
        for body: [UInt8] in [
            [0xff, 0, 0x61, 0], [0x61, 0, 0xc3, 0], [0x61, 0, 0xed, 0xa0, 0x80, 0],
        ] {
            let bytes = self.packet(3 << 16, Array("user\0ann\0".utf8) + body + [0])
            #expect(throws: StartupError.invalidText) { try self.parse(bytes) }
        }
    }

    @Test func `the length of a first packet is known from four bytes on`() throws {
        let bytes = self.startup("user\0ann\0\0")
        for count in 0...bytes.count {
            let start = Array(bytes[..<count])
            #expect(try StartupRequest.length(in: start.span) == (count < 4 ? nil : bytes.count))
        }
    }

    @Test(arguments: [-2_147_483_648, -1, 0, 7, 10_001, 0x1603_0102, 0x4745_5420])
    func `a length that no first packet has is refused at once`(length: Int) {
        let bytes = RawMessage.int32(length)
        let expected = StartupError.invalidLength(Int32(length))
        #expect(throws: expected) { try StartupRequest.length(in: bytes.span) }
        #expect(throws: expected) { try self.parse(bytes) }
    }

    @Test func `a packet that is cut or followed by more is refused`() {
        let bytes = self.startup("user\0ann\0\0")
        for count in 0..<bytes.count {
            #expect(throws: StartupError.self) { try self.parse(Array(bytes[..<count])) }
        }
        #expect(throws: StartupError.self) { try self.parse(bytes + [0]) }
    }

    @Test func `every refusal is told as fatal with its own code`() {
        #expect(StartupError.noUser.fields.sqlState == .invalidAuthorization)
        #expect(
            StartupError.unsupportedVersion(major: 2, minor: 0).fields.sqlState
                == .featureNotSupported
        )
        #expect(StartupError.invalidLayout.fields.sqlState == .protocolViolation)
        #expect(StartupError.invalidLayout.fields.severity == .fatal)
    }
}
