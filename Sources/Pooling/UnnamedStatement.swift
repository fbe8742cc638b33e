/// Names one Parse of the unnamed statement: two are equal only if they are the same Parse, so that
/// a server and a client that have the same one mean the same statement, whatever has happened to
/// both in between.
public struct UnnamedStatement: Hashable, Sendable {
    /// A number that no other Parse of the process has; 0 for none.
    public var number: UInt64

    /// Creates the name of a Parse.
    @inlinable
    public init(number: UInt64) { self.number = number }

    /// No unnamed statement.
    public static let none = UnnamedStatement(number: 0)

    /// One that nobody knows: foreign to every client.
    static let unknown = UnnamedStatement(number: .max)

    /// What has been parsed anew for a client that must not have it: foreign to every client.
    static let outdated = UnnamedStatement(number: .max - 1)
}
