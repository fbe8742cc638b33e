/// The statements of an INI file and of the files that it includes, in order, with their places.
///
/// It knows PgBouncer's syntax and nothing of what keys mean. Only whole lines are comments; a key
/// with other than plain characters stands in single quotes; a value goes to the end of its line.
struct SettingsFile {
    /// What was found, in order.
    private(set) var entries: [Entry] = []
    /// The lines that could not be read.
    private(set) var errors: [SettingsError] = []

    private var section: Place = .before
    private var includedFiles = 0

    /// A section that may hold entries.
    enum Section: Sendable, Equatable {
        /// `[weir]` or `[pgbouncer]`.
        case global
        /// `[databases]`.
        case databases
        /// `[users]`.
        case users
        /// `[servers]`.
        case servers
        /// `[peers]`.
        case peers
    }

    /// A line `key = value`.
    struct Entry: Sendable, Equatable {
        /// The section it stands in.
        var section: Section
        /// The key without quotes.
        var key: String
        /// The value without the blanks around it.
        var value: String
        /// Where the line is.
        var origin: SettingsOrigin
    }

    private enum Place: Equatable {
        case before
        case inside(Section)
        case unknown
    }

    /// Reads a text and what it includes.
    init(
        text: String,
        name: String,
        include: (String) throws(IncludeFailure) -> String
    ) {
        self.read(text, name: name, depth: 0, include: include)
    }

    private mutating func read(
        _ text: String,
        name: String,
        depth: Int,
        include: (String) throws(IncludeFailure) -> String
    ) {
        var bytes = Array(text.utf8)
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
            let origin = SettingsOrigin.file(name, line: index + 1)
            let line = Self.trimmed(line)
            guard let first = line.first, first != UInt8(ascii: ";"), first != UInt8(ascii: "#")
            else { continue }
            if line.contains(0) {
                self.fail(origin, "the line holds a zero byte")
            } else if first == UInt8(ascii: "[") {
                self.enterSection(line, origin)
            } else if first == UInt8(ascii: "%") {
                self.follow(line, origin, depth: depth, include: include)
            } else {
                self.readEntry(line, origin)
            }
        }
    }

    private mutating func enterSection(_ line: ArraySlice<UInt8>, _ origin: SettingsOrigin) {
        guard line.last == UInt8(ascii: "]"), line.count >= 2 else {
            self.section = .unknown
            return self.fail(origin, "expected [section] on a line of its own")
        }
        let name = Self.text(line.dropFirst().dropLast())
        switch name {
        case "weir", "pgbouncer": self.section = .inside(.global)
        case "databases": self.section = .inside(.databases)
        case "users": self.section = .inside(.users)
        case "servers": self.section = .inside(.servers)
        case "peers": self.section = .inside(.peers)
        default:
            self.section = .unknown
            self.errors.append(SettingsError(at: origin, .unknownSection(name)))
        }
    }

    private mutating func follow(
        _ line: ArraySlice<UInt8>,
        _ origin: SettingsOrigin,
        depth: Int,
        include: (String) throws(IncludeFailure) -> String
    ) {
        let directive = line.prefix { !Self.isBlank($0) }
        let path = Self.text(Self.trimmed(line.dropFirst(directive.count)))
        guard Self.text(directive) == "%include", !path.isEmpty else {
            return self.fail(origin, "expected %include PATH")
        }
        let tooDeep = depth >= SettingsLimits.includeDepth
        guard !tooDeep, self.includedFiles < SettingsLimits.includedFiles else {
            let reason =
                tooDeep
                ? "nested more than \(SettingsLimits.includeDepth) deep"
                : "more than \(SettingsLimits.includedFiles) files included"
            return self.errors.append(
                SettingsError(at: origin, .include(path: path, reason: reason))
            )
        }
        self.includedFiles += 1
        do {
            let text = try include(path)
            self.read(text, name: path, depth: depth + 1, include: include)
        } catch {
            self.errors.append(
                SettingsError(at: origin, .include(path: path, reason: error.reason))
            )
        }
    }

    private mutating func readEntry(_ line: ArraySlice<UInt8>, _ origin: SettingsOrigin) {
        let key: String
        var rest: ArraySlice<UInt8>
        if line.first == UInt8(ascii: "'") {
            guard let quoted = Self.quoted(line) else {
                return self.fail(origin, "the quoted key has no closing '")
            }
            (key, rest) = quoted
        } else {
            let plain = line.prefix(while: Self.isKeyByte)
            (key, rest) = (Self.text(plain), line.dropFirst(plain.count))
        }
        rest = Self.trimmed(rest)
        guard !key.isEmpty, rest.first == UInt8(ascii: "=") else {
            let hint = line.first == UInt8(ascii: "\"") ? " (in single quotes, not double)" : ""
            return self.fail(
                origin,
                "expected key = value; a key with characters other than A-Z a-z 0-9 _ . * - "
                    + "stands in single quotes\(hint)"
            )
        }
        switch self.section {
        case .inside(let section):
            let value = Self.text(Self.trimmed(rest.dropFirst()))
            self.entries.append(
                Entry(section: section, key: key, value: value, origin: origin)
            )
        case .before:
            self.fail(origin, "\(key) stands before any section: expected [weir] first")
        case .unknown:
            break  // The section itself has been reported.
        }
    }

    private mutating func fail(_ origin: SettingsOrigin, _ text: String) {
        self.errors.append(SettingsError(at: origin, .syntax(text)))
    }

    /// Reads `'…'` at the start of a text, where `''` stands for one quote.
    private static func quoted(
        _ line: ArraySlice<UInt8>
    ) -> (key: String, rest: ArraySlice<UInt8>)? {
        var key: [UInt8] = []
        var rest = line.dropFirst()
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "'") else {
                key.append(byte)
                continue
            }
            guard rest.first == UInt8(ascii: "'") else { return (Self.text(key[...]), rest) }
            key.append(byte)
            rest.removeFirst()
        }
        return nil
    }

    private static func isKeyByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."),
            UInt8(ascii: "*"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || (byte >= 9 && byte <= 13)
    }

    private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var bytes = bytes.drop(while: Self.isBlank)
        while let last = bytes.last, Self.isBlank(last) { bytes.removeLast() }
        return bytes
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String {
        String(decoding: bytes, as: UTF8.self)
    }
}
