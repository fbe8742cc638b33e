/// A JSON parser for tests that accepts what RFC 8259 does and nothing more: valid UTF-8, no
/// control characters in strings, no trailing bytes. Numbers are kept as their text.
enum StrictJSON: Equatable {
    case null
    case bool(Bool)
    case number(String)
    case string(String)
    case object([String: StrictJSON])

    struct Invalid: Error {
        var reason: String
        var position: Int
    }

    /// Parses one object with no object or array inside, which is all that the pooler writes.
    static func object(_ bytes: [UInt8]) throws(Invalid) -> [String: StrictJSON] {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Invalid(reason: "not UTF-8", position: 0)
        }
        var parser = Parser(scalars: Array(text.unicodeScalars))
        let object = try parser.object()
        guard parser.position == parser.scalars.count else { throw parser.invalid("trailing text") }
        return object
    }

    private struct Parser {
        let scalars: [Unicode.Scalar]
        var position = 0

        func invalid(_ reason: String) -> Invalid {
            Invalid(reason: reason, position: self.position)
        }

        mutating func next() throws(Invalid) -> Unicode.Scalar {
            guard self.position < self.scalars.count else { throw self.invalid("ends early") }
            self.position += 1
            return self.scalars[self.position - 1]
        }

        mutating func expect(_ text: String) throws(Invalid) {
            for scalar in text.unicodeScalars where try self.next() != scalar {
                throw self.invalid("expected \(text)")
            }
        }

        mutating func object() throws(Invalid) -> [String: StrictJSON] {
            var object: [String: StrictJSON] = [:]
            try self.expect("{")
            while true {
                try self.expect("\"")
                let key = try self.string()
                try self.expect(":")
                let value = try self.value()
                guard object.updateValue(value, forKey: key) == nil else {
                    throw self.invalid("key \(key) twice")
                }
                switch try self.next() {
                case ",": continue
                case "}": return object
                default: throw self.invalid("expected , or }")
                }
            }
        }

        mutating func value() throws(Invalid) -> StrictJSON {
            switch try self.next() {
            case "\"": return .string(try self.string())
            case "n":
                try self.expect("ull")
                return .null
            case "t":
                try self.expect("rue")
                return .bool(true)
            case "f":
                try self.expect("alse")
                return .bool(false)
            default:
                self.position -= 1
                return .number(try self.number())
            }
        }

        mutating func number() throws(Invalid) -> String {
            var text = ""
            while self.position < self.scalars.count,
                "-.0123456789".unicodeScalars.contains(self.scalars[self.position])
            {
                text.unicodeScalars.append(try self.next())
            }
            guard text.wholeMatch(of: /-?(0|[1-9][0-9]*)(\.[0-9]+)?/) != nil else {
                throw self.invalid("number \(text)")
            }
            return text
        }

        mutating func string() throws(Invalid) -> String {
            var text = String.UnicodeScalarView()
            while true {
                let scalar = try self.next()
                switch scalar {
                case "\"": return String(text)
                case "\\": text.append(try self.escape())
                case _ where scalar.value < 0x20: throw self.invalid("control character")
                default: text.append(scalar)
                }
            }
        }

        mutating func escape() throws(Invalid) -> Unicode.Scalar {
            switch try self.next() {
            case "\"": return "\""
            case "\\": return "\\"
            case "/": return "/"
            case "n": return "\n"
            case "r": return "\r"
            case "t": return "\t"
            case "u":
                var value: UInt32 = 0
                for _ in 0..<4 {
                    guard let digit = UInt32(String(try self.next()), radix: 16) else {
                        throw self.invalid("hexadecimal digit")
                    }
                    value = value << 4 | digit
                }
                guard let scalar = Unicode.Scalar(value) else { throw self.invalid("surrogate") }
                return scalar
            default: throw self.invalid("escape")
            }
        }
    }
}
