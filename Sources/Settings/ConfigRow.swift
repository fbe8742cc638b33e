/// A row of `SHOW CONFIG`.
public struct ConfigRow: Sendable, Equatable {
    /// The key.
    public var key: String
    /// Its value as text; empty for none, asterisks for a secret.
    public var value: String
    /// Its default; `nil` is shown as NULL.
    public var `default`: String?
    /// Whether `SET` or a reload can change it.
    public var changeable: Bool

    /// Makes a row.
    public init(key: String, value: String, default: String?, changeable: Bool) {
        self.key = key
        self.value = value
        self.default = `default`
        self.changeable = changeable
    }
}
