/// Something that happened to a socket, as `EventLoop.turn(until:)` gathered it.
public struct Completion: BitwiseCopyable, Sendable {
    /// What happened.
    public enum Kind: UInt8, BitwiseCopyable, Sendable {
        /// A listener took a connection; `socket` is new and has no receive armed.
        case accepted
        /// A connection asked for by `connect` stands.
        case connected
        /// `count` bytes came; `EventLoop.bytes(_:)` has them until the next turn.
        case received
        /// The peer has shut down its write side. Sends still work.
        case endOfFile
        /// The connection or the attempt to make it broke (`error`). The owner calls `close`.
        case failed
        /// The output of a congested socket fell below the low-water mark.
        case drained
        /// The descriptor is closed; the last completion of this ID.
        case closed
        /// The socket has left this loop after `release`; `count` is its descriptor, which is
        /// the owner's now. The last completion of this ID.
        case released
        /// Another thread called `wake()`. May also come without a reason: look and go on.
        case woken
    }

    /// What happened.
    public var kind: Kind
    /// The socket it happened to; `.none` for `.woken`.
    public var socket: SocketID
    /// The owner's token for the socket; the listener's token for `.accepted`.
    public var context: UInt64
    /// The errno of `.failed`, and of `.closed` when output was lost; else 0.
    public var error: Int32
    /// The bytes of `.received`; the descriptor of `.released`; else 0.
    public var count: Int
    /// The receive buffer that holds them, or -1.
    var buffer: Int32

    init(
        _ kind: Kind,
        socket: SocketID = .none,
        context: UInt64 = 0,
        error: Int32 = 0,
        count: Int = 0,
        buffer: Int32 = -1
    ) {
        self.kind = kind
        self.socket = socket
        self.context = context
        self.error = error
        self.count = count
        self.buffer = buffer
    }
}
