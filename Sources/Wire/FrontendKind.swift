/// The kinds of message that a client sends after startup.
public enum FrontendKind: UInt8, Equatable, Sendable, CaseIterable {
    /// `B`: binds parameters to a statement, giving a portal.
    case bind = 0x42
    /// `C`: closes a statement or a portal.
    case close = 0x43
    /// `D`: describes a statement or a portal.
    case describe = 0x44
    /// `E`: runs a portal.
    case execute = 0x45
    /// `F`: calls a function (the fast-path interface).
    case functionCall = 0x46
    /// `H`: asks for what the server has ready.
    case flush = 0x48
    /// `P`: prepares a statement.
    case parse = 0x50
    /// `Q`: a simple query.
    case query = 0x51
    /// `S`: ends a batch of the extended protocol.
    case sync = 0x53
    /// `X`: ends the connection.
    case terminate = 0x58
    /// `c`: COPY data end well.
    case copyDone = 0x63
    /// `d`: COPY data.
    case copyData = 0x64
    /// `f`: COPY data end badly.
    case copyFail = 0x66
    /// `p`: a password, or a step of SASL; only during login.
    case password = 0x70
}
