/// The pairs of `key=value key='quoted value' …`, as entries of `[databases]` and `[users]` hold.
struct ConnectionString {
    /// The pairs in order.
    private(set) var pairs: [(key: String, value: String)] = []

    /// Where and why a text is not such a list.
    ///
    /// It never quotes the text, which may hold a password.
    struct SyntaxProblem: Error, Equatable {
        /// What was expected.
        var text: String
    }

    /// Reads a list of pairs; an empty text holds none.
    init(_ text: String) throws(SyntaxProblem) {
        var rest = Array(text.utf8)[...]
        while true {
            rest = rest.drop(while: Self.isBlank)
            guard !rest.isEmpty else { return }
            let name = rest.prefix { !Self.isBlank($0) && $0 != UInt8(ascii: "=") }
            let key = String(decoding: name, as: UTF8.self)
            rest = rest.dropFirst(name.count).drop(while: Self.isBlank)
            guard rest.popFirst() == UInt8(ascii: "=") else {
                let place = self.pairs.last.map { " after \($0.key)" } ?? ""
                throw SyntaxProblem(
                    text: "expected key=value\(place) (a value with blanks stands in single quotes)"
                )
            }
            guard !key.isEmpty else { throw SyntaxProblem(text: "expected a key before =") }
            rest = rest.drop(while: Self.isBlank)
            let value = try Self.takeValue(of: key, from: &rest)
            self.pairs.append((key, value))
        }
    }

    private static func takeValue(
        of key: String,
        from rest: inout ArraySlice<UInt8>
    ) throws(SyntaxProblem) -> String {
        var value: [UInt8] = []
        if rest.first == UInt8(ascii: "'") {
            rest.removeFirst()
            while true {
                guard let byte = rest.popFirst() else {
                    throw SyntaxProblem(text: "the value of \(key) has no closing '")
                }
                if byte == UInt8(ascii: "'") {
                    guard rest.first == UInt8(ascii: "'") else { break }
                    rest.removeFirst()
                }
                value.append(byte)
            }
            if let next = rest.first, !Self.isBlank(next) {
                throw SyntaxProblem(text: "expected a blank after the quoted value of \(key)")
            }
        } else {
            value = Array(rest.prefix { !Self.isBlank($0) })
            rest = rest.dropFirst(value.count)
        }
        guard !value.isEmpty else {
            throw SyntaxProblem(
                text: "\(key) has no value: leave the key out, or write \(key)=value"
            )
        }
        return String(decoding: value, as: UTF8.self)
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || (byte >= 9 && byte <= 13)
    }
}
