/// A reader of SCRAM's `name=value,name=value` messages.
///
/// It works on bytes and checks every step, so that no message can do more than be refused.
struct SCRAMAttributes {
    private let bytes: [UInt8]
    private var position: Int

    /// Begins reading at a position that is in the message or at its end.
    init(_ bytes: [UInt8], from position: Int = 0) throws(SCRAMError) {
        guard !bytes.contains(0) else { throw .malformed("a zero byte") }
        self.bytes = bytes
        self.position = position
    }

    /// Whether everything has been read.
    var isAtEnd: Bool { self.position == self.bytes.count }

    /// The position of the next attribute.
    var nextPosition: Int { self.position }

    /// Reads the next attribute: a letter, `=`, and a value up to a comma or the end.
    mutating func next() throws(SCRAMError) -> (name: UInt8, value: ArraySlice<UInt8>) {
        guard self.position + 1 < self.bytes.count else { throw .malformed("an attribute's end") }
        let name = self.bytes[self.position]
        guard Self.isLetter(name), self.bytes[self.position + 1] == UInt8(ascii: "=") else {
            throw .malformed("an attribute without a name")
        }
        let rest = self.bytes[(self.position + 2)...]
        let end = rest.firstIndex(of: UInt8(ascii: ",")) ?? self.bytes.count
        if end == self.bytes.count {
            self.position = end
        } else {
            self.position = end + 1
            guard !self.isAtEnd else { throw .malformed("a comma at the end") }
        }
        return (name, rest[rest.startIndex..<end])
    }

    /// Reads the next attribute, which must have the name given.
    mutating func value(of name: Unicode.Scalar) throws(SCRAMError) -> ArraySlice<UInt8> {
        let attribute = try self.next()
        guard attribute.name == UInt8(ascii: name) else {
            throw .malformed("attribute \(name) expected")
        }
        return attribute.value
    }

    /// Reads extensions up to the end, and ignores them as RFC 5802 wants it.
    mutating func skipExtensions() throws(SCRAMError) {
        while !self.isAtEnd { _ = try self.next() }
    }

    /// Refuses a mandatory extension, if the next attribute is one.
    func refuseMandatoryExtension() throws(SCRAMError) {
        guard !self.isAtEnd, self.bytes[self.position] == UInt8(ascii: "m") else { return }
        throw .unsupported("a mandatory SCRAM extension")
    }

    /// Whether bytes can be a nonce: at least one, printable ASCII, no comma.
    static func isNonce(_ bytes: some Collection<UInt8>) -> Bool {
        !bytes.isEmpty
            && bytes.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: ",") }
    }

    /// Returns the value of at most nine decimal digits, which never overflows.
    static func decimal(_ digits: some Collection<UInt8>) -> Int? {
        guard (1...9).contains(digits.count) else { return nil }
        var value = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            value = value * 10 + Int(digit - UInt8(ascii: "0"))
        }
        return value
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
            || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
    }
}
