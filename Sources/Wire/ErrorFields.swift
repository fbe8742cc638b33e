/// The fields of an ErrorResponse or NoticeResponse that a pooler writes or reads
/// (<https://www.postgresql.org/docs/current/protocol-error-fields.html>).
public struct ErrorFields: Error, Equatable, Sendable {
    /// How bad it is; in a fabricated message `ERROR` keeps the connection and `FATAL` ends it.
    public enum Severity: String, Equatable, Sendable {
        case error = "ERROR"
        case fatal = "FATAL"
        case panic = "PANIC"
        case notice = "NOTICE"
        case warning = "WARNING"
    }

    /// `V` (and `S`).
    public var severity: Severity
    /// `C`.
    public var sqlState: SQLState
    /// `M`.
    public var message: String
    /// `D`.
    public var detail: String?
    /// `H`.
    public var hint: String?
    /// `R`, the function of PostgreSQL's source: by it drivers tell errors apart that share a code.
    public var routine: String?

    /// Creates the fields of one message.
    public init(
        _ severity: Severity,
        _ sqlState: SQLState,
        _ message: String,
        detail: String? = nil,
        hint: String? = nil,
        routine: String? = nil
    ) {
        self.severity = severity
        self.sqlState = sqlState
        self.message = message
        self.detail = detail
        self.hint = hint
        self.routine = routine
    }

    /// Reads the body of an ErrorResponse or NoticeResponse in `range` of `bytes`.
    ///
    /// Text that is no UTF-8 is repaired, since a server may speak any encoding; a missing field
    /// keeps a neutral value. Nothing here can fail, because a server's error must never be lost to
    /// a mistake in its form.
    public init(parsing bytes: Span<UInt8>, in range: Range<Int>) {
        self.init(.error, .internalError, "")
        var position = range.lowerBound
        while position < range.upperBound, bytes[position] != 0 {
            let code = bytes[position]
            let start = position + 1
            let end = bytes.terminator(in: start..<range.upperBound) ?? range.upperBound
            self.set(code, to: String(decoding: bytes.copy(start..<end), as: UTF8.self))
            position = min(end + 1, range.upperBound)
        }
    }

    private mutating func set(_ code: UInt8, to text: String) {
        switch code {
        case UInt8(ascii: "V"): self.severity = Severity(rawValue: text) ?? self.severity
        case UInt8(ascii: "C"): self.sqlState = SQLState(text)
        case UInt8(ascii: "M"): self.message = text
        case UInt8(ascii: "D"): self.detail = text
        case UInt8(ascii: "H"): self.hint = text
        case UInt8(ascii: "R"): self.routine = text
        default: break
        }
    }
}
