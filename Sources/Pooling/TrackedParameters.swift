/// The settings that follow a client from server to server, and every combination of their values
/// that somebody has now.
///
/// A client and a server each hold the ID of a combination, so that "does this server stand as this
/// client wants it" is one comparison of integers for each check-out. Combinations are counted and
/// forgotten with their last holder, since `application_name` alone can make every client's
/// different.
public struct TrackedParameters: Sendable {
    /// A combination of values.
    public struct Combination: Hashable, Sendable {
        fileprivate var index: Int

        /// Nothing is known; equal to no combination that somebody holds.
        public static let unknown = Combination(index: -1)
    }

    private struct Entry {
        var values: [String?]
        var holders: Int
        /// See `parsing(of:_:)`.
        var parsing: ContentHash?
    }

    /// The names, as PostgreSQL spells them.
    public let names: [String]
    private let lowercased: [String]

    private var entries: [Entry] = []
    private var free: [Int] = []
    private var known: [[String?]: Int] = [:]
    /// The place of the combination that `hold` returned last.
    private var lastHeld = 0

    /// The names that are always followed.
    public static let standardNames = [
        "client_encoding", "DateStyle", "TimeZone", "standard_conforming_strings",
        "application_name", "default_transaction_read_only",
    ]

    /// Creates the table; `extra` is `track_extra_parameters`.
    public init(extra: [String] = ["IntervalStyle"]) {
        var names = Self.standardNames
        for name in extra where !names.contains(where: { $0.lowercased() == name.lowercased() }) {
            names.append(name)
        }
        self.names = names
        self.lowercased = names.map { $0.lowercased() }
    }

    /// How many combinations somebody has.
    public var count: Int { self.known.count }

    /// The place of a name among `names`, in any case of letters; nil when it is not followed.
    public func place(of name: String) -> Int? {
        if let exact = self.names.firstIndex(of: name) { return exact }
        let lowercased = name.lowercased()
        return self.lowercased.firstIndex(of: lowercased)
    }

    /// Whether a setting is followed by what the server with a combination reports of it.
    public func reports(_ name: String, _ combination: Combination) -> Bool {
        guard let place = self.place(of: name) else { return false }
        return self.values(of: combination)[place] != nil
    }

    /// The values of a combination in the order of `names`; nil where nothing is known.
    public func values(of combination: Combination) -> [String?] {
        guard combination != .unknown else {
            return [String?](repeating: nil, count: self.names.count)
        }
        return self.entries[combination.index].values
    }

    /// What PostgreSQL parses statements by under a combination: equal for two of them only if all
    /// values are that parsing can depend on.
    public mutating func parsing(
        of combination: Combination,
        _ maker: ContentHash.Maker
    ) -> ContentHash {
        guard combination != .unknown else { return .none }
        if let known = self.entries[combination.index].parsing { return known }
        var content: [UInt8] = []
        for (name, value) in zip(self.names, self.entries[combination.index].values)
        where SettingNames.affectsParsing(name.lowercased()) {
            content += name.utf8
            content.append(value == nil ? 0 : 1)
            content += (value ?? "").utf8
            content.append(0)
        }
        let parsing = maker(content)
        self.entries[combination.index].parsing = parsing
        return parsing
    }

    /// Takes a hold of the combination with these values.
    public mutating func hold(_ values: [String?]) -> Combination {
        precondition(values.count == self.names.count, "as many values as names")
        // A pool's clients come with the same values one after the other, often in one array: then
        // this compares two pointers.
        if self.lastHeld < self.entries.count, self.entries[self.lastHeld].holders > 0,
            self.entries[self.lastHeld].values == values
        {
            self.entries[self.lastHeld].holders += 1
            return Combination(index: self.lastHeld)
        }
        if let index = self.known[values] {
            self.entries[index].holders += 1
            self.lastHeld = index
            return Combination(index: index)
        }
        let index = self.free.popLast() ?? self.entries.count
        let entry = Entry(values: values, holders: 1)
        if index == self.entries.count {
            self.entries.append(entry)
        } else {
            self.entries[index] = entry
        }
        self.known[values] = index
        self.lastHeld = index
        return Combination(index: index)
    }

    /// Takes one more hold.
    public mutating func retain(_ combination: Combination) {
        guard combination != .unknown else { return }
        self.entries[combination.index].holders += 1
    }

    /// Gives a hold back.
    public mutating func release(_ combination: Combination) {
        guard combination != .unknown else { return }
        let index = combination.index
        self.entries[index].holders -= 1
        precondition(self.entries[index].holders >= 0, "a combination released too often")
        guard self.entries[index].holders == 0 else { return }
        self.known[self.entries[index].values] = nil
        self.entries[index].values = []
        self.free.append(index)
    }

    /// Exchanges a hold for one of the combination with one value changed.
    public mutating func replace(
        _ combination: Combination,
        at place: Int,
        with value: String
    ) -> Combination {
        var values = self.values(of: combination)
        if values[place] == value, combination != .unknown { return combination }
        values[place] = value
        let changed = self.hold(values)
        self.release(combination)
        return changed
    }

    /// The statement that brings a server from one combination to another; nil when there is
    /// nothing to do. A value that the wanted combination does not know stays as it is.
    ///
    /// `set_config` takes a value as a configuration file has it, so that a list stays a list. The
    /// text is ASCII without a backslash, so that it means the same whatever the last client has
    /// made of `client_encoding` and `standard_conforming_strings`.
    public func statements(from present: Combination, to wanted: Combination) -> String? {
        let calls = self.calls(from: present, to: wanted)
        return calls.isEmpty ? nil : "SELECT " + calls.joined(separator: ",")
    }

    /// The calls of `set_config` that `statements(from:to:)` is made of.
    public func calls(from present: Combination, to wanted: Combination) -> [String] {
        guard present != wanted else { return [] }
        let present = self.values(of: present)
        let wanted = self.values(of: wanted)
        var calls: [String] = []
        for place in self.names.indices {
            guard let value = wanted[place], value != present[place] else { continue }
            let name = Self.literal(self.names[place])
            if self.names[place] == "DateStyle", !value.utf8.contains(UInt8(ascii: ",")) {
                // Half a style: the other half is the server's own, not the last client's.
                calls.append("pg_catalog.set_config(\(name),NULL,false)")
            }
            calls.append("pg_catalog.set_config(\(name),\(Self.literal(value)),false)")
        }
        return calls
    }

    private static func literal(_ text: String) -> String {
        let isPlain = text.utf8.allSatisfy {
            $0 >= 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "\\") && $0 != UInt8(ascii: "'")
        }
        if isPlain { return "'\(text)'" }
        let digits = text.utf8.map { byte in
            (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
        return "pg_catalog.convert_from(pg_catalog.decode('\(digits)','hex'),'UTF8')"
    }
}
