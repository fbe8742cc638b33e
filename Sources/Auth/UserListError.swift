/// Where and why a user list could not be read.
public struct UserListError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The file as the caller named it.
    public let file: String

    /// The line, from 1.
    public let line: Int

    /// What was expected there. It never quotes the line, which may hold a password.
    public let expected: String

    /// File, line and expectation in one text.
    public var description: String { "\(self.file):\(self.line): expected \(self.expected)" }
}
