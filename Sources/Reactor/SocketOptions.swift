/// Options of a connection, set before it is made. TCP options do nothing on Unix sockets.
public struct SocketOptions: Sendable, Equatable {
    /// Whether TCP probes an idle peer, so that a dead one is noticed.
    public var keepalive = true
    /// Seconds of silence before the first probe; 0 is the system's default (2 hours).
    public var keepIdle: Int32 = 0
    /// Seconds between probes; 0 is the system's default.
    public var keepInterval: Int32 = 0
    /// Unanswered probes after which the peer is dead; 0 is the system's default.
    public var keepCount: Int32 = 0
    /// Milliseconds that sent data may stay unacknowledged, or a window closed, before the
    /// connection fails (TCP_USER_TIMEOUT); 0 is the system's default: about 15 minutes of
    /// retransmissions, and no end for a closed window.
    ///
    /// Linux counts the time of a closed window even when the peer answers every probe (seen on
    /// 6.18: 3.4 s with a timeout of 3 s). So this also ends a connection whose peer is well but
    /// does not read for that long, and must not be short: a client that is stopped in a
    /// debugger, a server that works on one statement while more are pipelined.
    public var userTimeout: Int32 = 300_000
    /// Whether small segments leave at once (TCP_NODELAY).
    public var noDelay = true
    /// Bytes of the kernel's send and receive buffers; 0 lets the kernel tune them.
    public var socketBuffer: Int32 = 0

    /// The defaults.
    public init() {}
}
