/// Writes messages of either direction into one growing buffer, a method a message.
///
/// Control messages only (login, errors, the console, resets): what clients and servers say to each
/// other is forwarded from the receive buffer and never written anew.
public struct MessageWriter: Sendable {
    /// What has been written.
    public private(set) var bytes: [UInt8] = []

    /// Creates an empty writer.
    public init() {}

    /// Forgets what was written and keeps the memory.
    public mutating func removeAll() {
        self.bytes.removeAll(keepingCapacity: true)
    }

    /// A whole message that has been written before.
    public mutating func message(_ bytes: [UInt8]) {
        self.raw(bytes)
    }

    // MARK: Pieces

    mutating func message(_ kind: UInt8, _ body: (inout MessageWriter) -> Void) {
        self.bytes.append(kind)
        self.counted(body)
    }

    /// A length field that counts itself and what `body` writes.
    mutating func counted(_ body: (inout MessageWriter) -> Void) {
        let start = self.bytes.count
        self.int32(0)
        body(&self)
        let length = UInt32(self.bytes.count - start)
        unsafe self.bytes.withUnsafeMutableBytes {
            unsafe $0.storeBytes(of: length.bigEndian, toByteOffset: start, as: UInt32.self)
        }
    }

    mutating func int32(_ value: Int32) {
        unsafe withUnsafeBytes(of: value.bigEndian) { unsafe self.bytes.append(contentsOf: $0) }
    }

    mutating func int16(_ value: Int) {
        let bits = UInt16(truncatingIfNeeded: value)
        self.bytes.append(UInt8(truncatingIfNeeded: bits >> 8))
        self.bytes.append(UInt8(truncatingIfNeeded: bits))
    }

    /// Text and its terminator; a zero byte inside ends the text, since the protocol could not
    /// carry what follows.
    mutating func string(_ text: String) {
        var text = text
        text.withUTF8 { utf8 in
            let end = unsafe utf8.firstIndex(of: 0) ?? utf8.count
            unsafe self.bytes.append(contentsOf: UnsafeBufferPointer(rebasing: utf8[..<end]))
        }
        self.bytes.append(0)
    }

    mutating func raw(_ range: Range<Int>, of span: Span<UInt8>) {
        span.append(range, to: &self.bytes)
    }

    mutating func raw(_ more: [UInt8]) {
        self.bytes.append(contentsOf: more)
    }

    mutating func byte(_ value: UInt8) {
        self.bytes.append(value)
    }
}
