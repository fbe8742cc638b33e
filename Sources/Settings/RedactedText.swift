/// A text that must not reach logs, error messages or the console by accident: a password.
///
/// Whoever really needs it asks for ``exposed``, which is easy to search for.
public struct RedactedText: Sendable, Equatable {
    /// The text itself.
    public let exposed: String

    /// Wraps a text.
    public init(_ text: String) {
        self.exposed = text
    }
}

extension RedactedText: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Asterisks, always the same number of them.
    public var description: String { "********" }

    /// Asterisks, always the same number of them.
    public var debugDescription: String { "********" }

    /// A mirror without the text, so that `dump` shows nothing either.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
