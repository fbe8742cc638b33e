import Wire

/// What a server has answered to a `SessionQuestion`, row by row.
public struct SessionAnswer: Equatable, Sendable {
    /// A setting as the server has it.
    struct Value: Equatable, Sendable {
        /// nil where there is no such setting.
        var bytes: [UInt8]?
        /// Where the value comes from; nil for settings that are listed nowhere.
        var source: String?
    }

    private(set) var named: [String: Value] = [:]
    private(set) var listed: [SettingValue] = []
    /// What the session holds of what was asked for.
    public private(set) var held: SessionKinds = []
    /// The answer has come to its end, and all of it could be read.
    public var isWhole: Bool { self.hasEnded && !self.isBroken }

    private var hasEnded = false
    private var isBroken = false

    /// Settings that one answer may tell of.
    private static let settingsMax = 1_000

    /// Creates an answer of which nothing has come.
    public init() {}

    /// Takes a DataRow's body.
    public mutating func received(_ bytes: Span<UInt8>, in range: Range<Int>) {
        guard let row = Self.columns(bytes, range), row.count == 4, let tag = row[0] else {
            self.isBroken = true
            return
        }
        switch tag {
        case SessionQuestion.end:
            self.hasEnded = true
        case SessionQuestion.held:
            guard let code = row[1].flatMap({ UInt8($0) }) else {
                self.isBroken = true
                return
            }
            self.held.insert(SessionKinds(rawValue: code))
        case SessionQuestion.named:
            guard let name = row[1], self.named.count < Self.settingsMax else {
                self.isBroken = true
                return
            }
            var value = Value(bytes: nil, source: row[3])
            if let digits = row[2] {
                value.bytes = Self.bytes(digits)
                if value.bytes == nil { self.isBroken = true }
            }
            self.named[name] = value
        case SessionQuestion.list:
            guard let name = row[1], let value = row[2].flatMap(Self.bytes),
                self.listed.count < Self.settingsMax
            else {
                self.isBroken = true
                return
            }
            self.listed.append(SettingValue(name: name, value: value))
        default:
            self.isBroken = true
        }
    }

    /// A row could not be taken.
    public mutating func broke() { self.isBroken = true }

    /// The columns of a row of text; nil where it is none.
    private static func columns(_ bytes: Span<UInt8>, _ range: Range<Int>) -> [String?]? {
        guard range.count >= 2 else { return nil }
        var columns: [String?] = []
        var position = range.lowerBound + 2
        for _ in 0..<bytes.bigEndianUInt16(at: range.lowerBound) {
            guard position + 4 <= range.upperBound else { return nil }
            let length = Int(Int32(bitPattern: bytes.bigEndianUInt32(at: position)))
            position += 4
            if length < 0 {
                columns.append(nil)
                continue
            }
            guard position + length <= range.upperBound,
                let text = bytes.text(in: position..<position + length)
            else { return nil }
            columns.append(text)
            position += length
        }
        return columns
    }

    /// The bytes that hexadecimal digits stand for; nil where they are none.
    private static func bytes(_ digits: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        var high: UInt8?
        for digit in digits {
            guard let value = digit.hexDigitValue.map({ UInt8($0) }) else { return nil }
            if let first = high {
                bytes.append(first << 4 | value)
                high = nil
            } else {
                high = value
            }
        }
        return high == nil ? bytes : nil
    }
}
