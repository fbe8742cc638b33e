/// One key of a section: how it is read into `Root`, shown, compared and copied.
///
/// The closures hide the key's type, so that keys of all types fit one table. None of this runs
/// while traffic flows.
struct SettingDescriptor<Root: Sendable>: Sendable {
    /// The key as files spell it.
    let name: String
    /// Whether a reload or `SET` changes it in a running process.
    let isReloadable: Bool
    /// Whether `SHOW CONFIG` shows a default for it, or NULL as PgBouncer does.
    let showsDefault: Bool
    /// Whether the value must not be shown.
    let isSecret: Bool
    /// Why setting it does nothing in this version; `nil` when it works.
    let noEffect: String?
    /// What a right value looks like.
    let expected: String

    /// Reads a text into the key.
    let write: @Sendable (inout Root, String) -> WriteOutcome
    /// Shows the key's value, secrets included.
    let read: @Sendable (Root) -> String
    /// Whether the key has the same value in both.
    let isEqual: @Sendable (Root, Root) -> Bool
    /// Copies the key's value from the first into the second.
    let copy: @Sendable (Root, inout Root) -> Void

    /// What came of writing a key.
    enum WriteOutcome: Sendable, Equatable {
        /// The key has the new value.
        case written
        /// The text is not a value for this key.
        case invalid
        /// The text is understood but not supported; why.
        case unsupported(String)
    }

    init<Value: Sendable & Equatable>(
        _ name: String,
        _ path: any WritableKeyPath<Root, Value> & Sendable,
        _ kind: SettingKind<Value>,
        reloadable: Bool = true,
        showsDefault: Bool = true,
        secret: Bool = false,
        noEffect: String? = nil
    ) {
        self.name = name
        self.isReloadable = reloadable
        self.showsDefault = showsDefault
        self.isSecret = secret
        self.noEffect = noEffect
        self.expected = kind.expected
        self.write = { root, text in
            switch kind.parse(text) {
            case .value(let value):
                root[keyPath: path] = value
                return .written
            case .invalid:
                return .invalid
            case .unsupported(let why):
                return .unsupported(why)
            }
        }
        self.read = { kind.show($0[keyPath: path]) }
        self.isEqual = { $0[keyPath: path] == $1[keyPath: path] }
        self.copy = { $1[keyPath: path] = $0[keyPath: path] }
    }
}
