public import Wire

/// A message to the model of a backend, with what the backend will make of it.
public struct BackendRequest: Equatable, Sendable {
    /// What a statement does when it is run.
    public enum Statement: Equatable, Sendable {
        /// Returns so many rows.
        case rows(Int)
        /// Returns nothing but its tag.
        case command
        /// Is no statement at all.
        case empty
        case begin
        case commit
        case rollback
        /// Warns, and returns its tag.
        case notice
        /// Changes a setting that is reported.
        case setting
        /// Fails.
        case failure
        case copyOut(Int)
        case copyIn(CopyFate)
        /// Returns so many rows of more (Execute with a limit).
        case suspended(Int)
    }

    /// How a COPY from the client goes.
    public enum CopyFate: Equatable, Sendable {
        case succeeds
        /// Fails by itself when so many CopyData have been read; 0 is a trigger that fails before
        /// the first.
        case failsAfter(Int)
        /// Fails when the data have ended.
        case failsAtEnd
    }

    /// The message's kind.
    public var kind: FrontendKind
    /// What Query and Execute run; Parse and Bind look at the first, since a failed transaction
    /// takes only its end.
    public var statements: [Statement]
    /// Whether Parse, Bind, Describe, Close, FunctionCall or the commit in Sync fail.
    public var fails: Bool
    /// Whether Describe is about a portal, and whether it finds rows.
    public var describesPortal = false
    /// Who asked; comes back with every reply.
    public var tag: Int

    /// Creates a request.
    public init(
        _ kind: FrontendKind,
        _ statements: [Statement] = [],
        fails: Bool = false,
        describesPortal: Bool = false,
        tag: Int = 0
    ) {
        self.kind = kind
        self.statements = statements
        self.fails = fails
        self.describesPortal = describesPortal
        self.tag = tag
    }
}
