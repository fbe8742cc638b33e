/// The kinds of message that a server sends.
public enum BackendKind: UInt8, Equatable, Sendable, CaseIterable {
    /// `1`
    case parseComplete = 0x31
    /// `2`
    case bindComplete = 0x32
    /// `3`
    case closeComplete = 0x33
    /// `A`: asynchronous, to a session that listens.
    case notification = 0x41
    /// `C`: a command has ended; its body is the tag.
    case commandComplete = 0x43
    /// `D`
    case dataRow = 0x44
    /// `E`
    case error = 0x45
    /// `G`: the server waits for COPY data.
    case copyIn = 0x47
    /// `H`: COPY data follow.
    case copyOut = 0x48
    /// `I`
    case emptyQuery = 0x49
    /// `K`
    case backendKeyData = 0x4b
    /// `N`: asynchronous.
    case notice = 0x4e
    /// `R`
    case authentication = 0x52
    /// `S`: asynchronous.
    case parameterStatus = 0x53
    /// `T`
    case rowDescription = 0x54
    /// `V`
    case functionResult = 0x56
    /// `W`: both directions carry COPY data (replication).
    case copyBoth = 0x57
    /// `Z`: the server waits for the next request; its body is the transaction's status.
    case readyForQuery = 0x5a
    /// `c`
    case copyDone = 0x63
    /// `d`
    case copyData = 0x64
    /// `n`
    case noData = 0x6e
    /// `s`
    case portalSuspended = 0x73
    /// `t`
    case parameterDescription = 0x74
    /// `v`
    case negotiateProtocolVersion = 0x76
}
