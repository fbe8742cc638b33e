extension SettingKind where Value == BudgetSize {
    /// A number of connections, a part of what the server takes, or what it leaves.
    static var budgetSize: SettingKind {
        SettingKind(
            expected: "a whole number from 0 to 1000000 (0 = no limit), 1% to 100%, or auto",
            read: { BudgetSize(parsing: $0) },
            show: \.description
        )
    }

    /// The same where there is a limit.
    static var limitingBudgetSize: SettingKind {
        SettingKind(
            expected: "a whole number from 1 to 1000000, 1% to 100%, or auto",
            read: { BudgetSize(parsing: $0).flatMap { $0 == .slots(0) ? nil : $0 } },
            show: \.description
        )
    }
}

extension SettingKind where Value == String {
    /// A name that becomes part of other names, such as an etcd key's.
    static var fleetName: SettingKind {
        SettingKind(
            expected: "1 to 63 printable ASCII characters without blanks and quotes",
            read: { text in
                let isRight = text.utf8.allSatisfy {
                    (0x21...0x7e).contains($0) && $0 != UInt8(ascii: "\"")
                        && $0 != UInt8(ascii: "'")
                }
                return isRight && (1...63).contains(text.utf8.count) ? text : nil
            },
            show: { $0 }
        )
    }

    /// A name for people; may be empty.
    static var nodeName: SettingKind {
        SettingKind(
            expected: "at most 63 printable ASCII characters",
            read: { text in
                let isRight = text.utf8.allSatisfy { (0x20...0x7e).contains($0) }
                return isRight && text.utf8.count <= 63 ? text : nil
            },
            show: { $0 }
        )
    }
}

extension SettingKind where Value == RedactedText? {
    /// A password that may be missing; an empty one counts as missing.
    static var optionalPassword: SettingKind {
        SettingKind(
            expected: "a password",
            parse: { .value($0.isEmpty ? nil : RedactedText($0)) },
            show: { $0?.description ?? "" }
        )
    }
}

extension SettingKind where Value == [String] {
    /// Addresses of web services; none when empty.
    static var endpoints: SettingKind {
        SettingKind(
            expected: "http://HOST:PORT or https://HOST:PORT, or several with commas",
            read: { text in
                if text.isEmpty { return [] }
                let parts = text.split(separator: ",", omittingEmptySubsequences: false)
                    .map { $0.split(separator: " ").joined(separator: " ") }
                return parts.allSatisfy(Self.isEndpoint) ? parts : nil
            },
            show: { $0.joined(separator: ",") }
        )
    }

    private static func isEndpoint(_ text: String) -> Bool {
        guard let scheme = ["http://", "https://"].first(where: text.hasPrefix) else {
            return false
        }
        let address = text.dropFirst(scheme.count)
        guard let colon = address.lastIndex(of: ":") else { return false }
        let (host, digits) = (address[..<colon], address[address.index(after: colon)...])
        guard let port = UInt16(digits), port > 0, digits.first?.isNumber == true
        else { return false }
        guard host.utf8.allSatisfy({ $0 < 0x80 }) else { return false }
        if host.hasPrefix("["), host.hasSuffix("]") {
            return host.count > 2
                && host.dropFirst().dropLast().allSatisfy { $0.isHexDigit || ":.".contains($0) }
        }
        return !host.isEmpty
            && host.allSatisfy { $0.isLetter || $0.isNumber || "-._".contains($0) }
    }
}
