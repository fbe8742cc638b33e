/// What can be wrong with a SCRAM message, whichever role reads it.
enum SCRAMError: Error, Equatable {
    /// It does not have the form of RFC 5802; the text says where.
    case malformed(String)

    /// It asks for something that is not offered; the text says what.
    case unsupported(String)

    /// The server's own error text, from its last message.
    case refused(String)
}
