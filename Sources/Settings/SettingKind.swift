/// How values of one kind are read from configuration text and shown again.
struct SettingKind<Value: Sendable & Equatable>: Sendable {
    /// What a right value looks like, to follow the word "expected".
    let expected: String
    /// Reads a value.
    let parse: @Sendable (String) -> Outcome
    /// Shows a value as `SHOW CONFIG` does.
    let show: @Sendable (Value) -> String

    /// What came of reading a value.
    enum Outcome: Sendable {
        /// The value.
        case value(Value)
        /// Not a value of this kind.
        case invalid
        /// Understood, but not supported; the text says why.
        case unsupported(String)
    }

    /// A kind whose values are read by a function that returns `nil` for what is not one.
    init(
        expected: String,
        read: @escaping @Sendable (String) -> Value?,
        show: @escaping @Sendable (Value) -> String
    ) {
        self.init(
            expected: expected,
            parse: { read($0).map { .value($0) } ?? .invalid },
            show: show
        )
    }

    init(
        expected: String,
        parse: @escaping @Sendable (String) -> Outcome,
        show: @escaping @Sendable (Value) -> String
    ) {
        self.expected = expected
        self.parse = parse
        self.show = show
    }
}

extension SettingKind {
    /// Another kind for a key that may be left out.
    static func optional<Wrapped>(_ kind: SettingKind<Wrapped>) -> SettingKind
    where Value == Wrapped? {
        SettingKind(
            expected: kind.expected,
            parse: { text in
                switch kind.parse(text) {
                case .value(let value): .value(value)
                case .invalid: .invalid
                case .unsupported(let why): .unsupported(why)
                }
            },
            show: { $0.map(kind.show) ?? "" }
        )
    }

    /// Another kind for a key where `zero` means the same as leaving it out.
    static func optional<Wrapped>(
        _ kind: SettingKind<Wrapped>,
        unless zero: Wrapped
    ) -> SettingKind where Value == Wrapped? {
        let kind = SettingKind.optional(kind)
        return SettingKind(
            expected: kind.expected,
            parse: { text in
                let outcome = kind.parse(text)
                if case .value(let value) = outcome, value == zero { return .value(nil) }
                return outcome
            },
            show: kind.show
        )
    }
}

extension SettingKind where Value == Int {
    /// A whole number within a range; decimal, `0x…` or octal with a leading zero.
    static func integer(_ range: ClosedRange<Int>) -> SettingKind {
        SettingKind(
            expected: "a whole number from \(range.lowerBound) to \(range.upperBound)",
            read: { IntegerText.value(of: $0).flatMap { range.contains($0) ? $0 : nil } },
            show: { String($0) }
        )
    }

    /// A number of things: nothing negative, and it fits a C `int`.
    static var count: SettingKind { .integer(0...2_147_483_647) }

    /// File permissions, for which PgBouncer's octal numbers are meant.
    static var fileMode: SettingKind {
        SettingKind(
            expected: "an octal mode with its leading zero, such as 0770",
            read: { IntegerText.value(of: $0).flatMap { (0...0o777).contains($0) ? $0 : nil } },
            show: { "0" + String($0, radix: 8) }
        )
    }
}

extension SettingKind where Value == Bool {
    /// A switch: PgBouncer's whole numbers (0 = off), and words.
    static var flag: SettingKind {
        SettingKind(
            expected: "0 or 1 (or on, off, true, false, yes, no)",
            read: { text in
                switch text.lowercased() {
                case "on", "true", "yes": true
                case "off", "false", "no": false
                default: IntegerText.value(of: text).map { $0 != 0 }
                }
            },
            show: { $0 ? "1" : "0" }
        )
    }
}

extension SettingKind where Value == TimeSetting {
    /// A span of time.
    static var time: SettingKind {
        SettingKind(
            expected:
                "a time: seconds with or without decimals, or a number with us, ms, s, min, h or d",
            read: { TimeSetting(parsing: $0) },
            show: \.description
        )
    }

    /// A span of time that is not empty.
    static var positiveTime: SettingKind {
        SettingKind(
            expected: "a time above 0: seconds, or a number with us, ms, s, min, h or d",
            read: { TimeSetting(parsing: $0).flatMap { $0.isZero ? nil : $0 } },
            show: \.description
        )
    }

    /// What PgBouncer keeps as a whole number of seconds (so `0x10` and `010` are numbers too).
    static var seconds: SettingKind {
        SettingKind(
            expected: Self.time.expected,
            read: { text in
                if let whole = IntegerText.value(of: text) {
                    return (0...1_000_000_000).contains(whole) ? .seconds(Int64(whole)) : nil
                }
                return TimeSetting(parsing: text)
            },
            show: \.description
        )
    }
}

extension SettingKind where Value == String {
    /// Any text.
    static var text: SettingKind {
        SettingKind(expected: "a text", read: { $0 }, show: { $0 })
    }
}

extension SettingKind where Value == String? {
    /// A text that may be missing; an empty one counts as missing.
    static var optionalText: SettingKind {
        SettingKind(
            expected: "a text",
            parse: { .value($0.isEmpty ? nil : $0) },
            show: { $0 ?? "" }
        )
    }
}

extension SettingKind where Value == [String] {
    /// A list with commas.
    static var list: SettingKind {
        SettingKind(
            expected: "a list with commas",
            read: { text in
                text.split { $0 == "," || $0 == " " || $0 == "\t" }.map(String.init)
            },
            show: { $0.joined(separator: ",") }
        )
    }

    /// Hosts with commas between them; an empty place in the list is a mistake.
    static var hosts: SettingKind {
        SettingKind(
            expected: "a host name, an address, a socket directory, or several with commas",
            read: { text in
                let hosts = text.split(separator: ",", omittingEmptySubsequences: false)
                    .map { $0.split(separator: " ").map(String.init) }
                return hosts.allSatisfy { $0.count == 1 } ? hosts.flatMap { $0 } : nil
            },
            show: { $0.joined(separator: ",") }
        )
    }
}

extension SettingKind
where Value: RawRepresentable & CaseIterable, Value.RawValue == String {
    /// One of the names of an enumeration, in any case.
    static func names() -> SettingKind {
        SettingKind(
            expected: Value.allCases.map(\.rawValue).joined(separator: ", "),
            read: { Value(rawValue: $0.lowercased()) },
            show: \.rawValue
        )
    }
}

extension SettingKind where Value == SlowQueryThreshold {
    /// A time, or `-1` or `off` for none.
    static var slowQueryThreshold: SettingKind {
        SettingKind(
            expected: "a time (0 = every statement), or -1 or off for none",
            read: { SlowQueryThreshold(parsing: $0) },
            show: \.description
        )
    }
}

extension SettingKind where Value == SlowQueryFormat {
    /// `json`; `pgbadger` is known but refused.
    static var slowQueryFormat: SettingKind {
        let names = SettingKind.names()
        return SettingKind(
            expected: names.expected,
            parse: { text in
                text.lowercased() == "pgbadger"
                    ? .unsupported("this version writes json only") : names.parse(text)
            },
            show: names.show
        )
    }
}
