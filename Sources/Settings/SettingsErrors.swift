/// Everything that is wrong with a configuration, so that one reading finds all mistakes.
public struct SettingsErrors: Error, Sendable, Equatable {
    /// The mistakes in the order in which they were met; never empty.
    public var errors: [SettingsError]

    /// Collects mistakes.
    public init(_ errors: [SettingsError]) {
        self.errors = errors
    }
}

extension SettingsErrors: CustomStringConvertible {
    /// One line for each mistake.
    public var description: String {
        self.errors.map(\.description).joined(separator: "\n")
    }
}
