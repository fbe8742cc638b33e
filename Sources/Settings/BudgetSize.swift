/// How many connections a PostgreSQL server may have, as the configuration says it.
public enum BudgetSize: Sendable, Equatable {
    /// A number; 0 = no limit.
    case slots(Int)
    /// Parts in a hundred, 1 to 100, of the server's `max_connections`.
    case percent(Int)
    /// What the server leaves, but for a head-room.
    case auto

    /// Reads `40`, `80%` or `auto`.
    ///
    /// - Returns: `nil` when the text is none of these.
    init?(parsing text: String) {
        if text.lowercased() == "auto" {
            self = .auto
        } else if text.hasSuffix("%") {
            let digits = String(text.dropLast())
            guard let percent = IntegerText.value(of: digits), (1...100).contains(percent)
            else { return nil }
            self = .percent(percent)
        } else {
            guard let slots = IntegerText.value(of: text), (0...1_000_000).contains(slots)
            else { return nil }
            self = .slots(slots)
        }
    }

    /// The number, where it is one and limits anything.
    var fixed: Int? {
        if case .slots(let slots) = self, slots > 0 { slots } else { nil }
    }

    /// Whether the server must be asked before it is known how many these are.
    public var isRelative: Bool {
        switch self {
        case .slots: false
        case .percent, .auto: true
        }
    }
}

extension BudgetSize: CustomStringConvertible {
    /// The size as a file has it.
    public var description: String {
        switch self {
        case .slots(let slots): String(slots)
        case .percent(let percent): "\(percent)%"
        case .auto: "auto"
        }
    }
}
