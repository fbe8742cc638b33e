/// Where a socket stands. Each flag is set and cleared in one place of `Reactor` or its engine.
struct SocketFlags: OptionSet, BitwiseCopyable {
    let rawValue: UInt32

    // What the owner wants.

    /// connect() was called and has not ended.
    static let connecting = SocketFlags(rawValue: 1 << 0)
    /// One receive is wanted and has not been delivered.
    static let receiveWanted = SocketFlags(rawValue: 1 << 1)
    /// SHUT_WR is wanted after all output.
    static let closeWriteWanted = SocketFlags(rawValue: 1 << 2)
    /// close() was called; nothing but `.closed` is delivered any more.
    static let closing = SocketFlags(rawValue: 1 << 3)
    /// The close sends what is queued and reads to the end first.
    static let lingering = SocketFlags(rawValue: 1 << 4)

    /// Nobody wants to hear of the close's end.
    static let unreported = SocketFlags(rawValue: 1 << 28)
    /// The socket is to leave the loop, with its descriptor open.
    static let releasing = SocketFlags(rawValue: 1 << 22)

    // What has happened.

    /// SHUT_WR was done.
    static let writeClosed = SocketFlags(rawValue: 1 << 5)
    /// The peer's end was seen.
    static let endOfFile = SocketFlags(rawValue: 1 << 6)
    /// `.failed` was delivered.
    static let failed = SocketFlags(rawValue: 1 << 7)
    /// A send failed; input that came before the failure is still to be read.
    static let outputFailed = SocketFlags(rawValue: 1 << 8)
    /// Queued output went over the high-water mark and has not drained.
    static let congested = SocketFlags(rawValue: 1 << 9)

    // Where it is queued.

    /// On the list of sockets that the engine looks at before it waits.
    static let listed = SocketFlags(rawValue: 1 << 10)
    /// Waits for a receive buffer.
    static let parked = SocketFlags(rawValue: 1 << 11)
    /// Was parked and has had a buffer promised since.
    static let unparked = SocketFlags(rawValue: 1 << 21)
    /// Waits for its turn to be read (epoll).
    static let ready = SocketFlags(rawValue: 1 << 12)

    /// Bytes come in a flow: receives ask for a large buffer.
    static let flowing = SocketFlags(rawValue: 1 << 23)

    /// More output is expected soon: what is queued need not leave in this turn.
    static let corked = SocketFlags(rawValue: 1 << 27)

    // What the kernel has (io_uring).

    static let receiveInFlight = SocketFlags(rawValue: 1 << 13)
    static let sendInFlight = SocketFlags(rawValue: 1 << 14)
    static let connectInFlight = SocketFlags(rawValue: 1 << 15)
    /// Shutdown and cancels were issued; only completions are awaited.
    static let cancelled = SocketFlags(rawValue: 1 << 16)

    /// The receive in flight takes a large buffer.
    static let largeInFlight = SocketFlags(rawValue: 1 << 24)
    /// The last receive found no large buffer: the next takes a small one.
    static let largeMissed = SocketFlags(rawValue: 1 << 25)
    /// The last receive left bytes in the socket.
    static let moreWaits = SocketFlags(rawValue: 1 << 26)

    // What the kernel has said (epoll).

    static let readable = SocketFlags(rawValue: 1 << 17)
    static let writable = SocketFlags(rawValue: 1 << 18)
    /// An end or an error is behind the input, so a short receive does not mean "empty".
    static let hangup = SocketFlags(rawValue: 1 << 19)
    /// Known to epoll.
    static let registered = SocketFlags(rawValue: 1 << 20)

    static let inFlight: SocketFlags = [.receiveInFlight, .sendInFlight, .connectInFlight]
}
