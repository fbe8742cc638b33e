/// A user who may log in although no `auth_file` names them: the one of `--database-url`.
public struct InlineUser: Sendable, Equatable {
    /// The user's name.
    public var name: String
    /// The password in plain text, from which SCRAM keys are derived.
    public var secret: RedactedText

    /// Makes a user from a name and a password.
    public init(name: String, secret: RedactedText) {
        self.name = name
        self.secret = secret
    }
}
