/// Why the text of an `%include`d file could not be had.
public struct IncludeFailure: Error, Sendable, Equatable {
    /// The reason in words, such as `No such file or directory`.
    public var reason: String

    /// Makes a failure from its reason.
    public init(reason: String) {
        self.reason = reason
    }
}
