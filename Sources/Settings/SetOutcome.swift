/// What came of `SET key = value`.
public enum SetOutcome: Sendable, Equatable {
    /// The settings with the new value.
    case changed(Settings)
    /// The key can only be set in the file and takes effect at the next start.
    case notReloadable
}
