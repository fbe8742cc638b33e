/// Options of a listener.
public struct ListenOptions: Sendable, Equatable {
    /// Connections that may wait to be accepted.
    public var backlog: Int32 = 128
    /// Whether several listeners may share the address (SO_REUSEPORT).
    public var reusePort = false
    /// Whether the kernel reports a TCP connection only when its first bytes are there.
    public var deferAccept = false
    /// Permissions of a Unix socket's file.
    public var unixMode: UInt32 = 0o777
    /// Group of a Unix socket's file, or `nil` to leave it.
    public var unixGroup: UInt32?
    /// Options of the accepted connections.
    public var accepted = SocketOptions()

    /// The defaults.
    public init() {}
}
