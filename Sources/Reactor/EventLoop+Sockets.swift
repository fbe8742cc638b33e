/// Every method here ignores a stale ID and a socket that is being closed.
extension EventLoop {
    /// Connects to an address. `.connected` or `.failed` comes in a later turn, always.
    ///
    /// Deadlines are the owner's: it calls `close`. With a full table the ID is `.none`, and
    /// `.failed` (ENOBUFS) comes with `context` only.
    public func connect(
        to address: SocketAddress,
        options: SocketOptions = SocketOptions(),
        context: UInt64
    ) -> SocketID {
        self.shared.connect(to: address, options: options, context: context)
    }

    /// Sets the token that later completions of a socket carry.
    public func setContext(_ context: UInt64, of id: SocketID) {
        let index = self.shared.sockets.findOpen(id)
        if index >= 0 {
            self.shared.states[index].context = context
        }
    }

    /// Asks for one receive; nothing changes if one is asked for already.
    ///
    /// The answer is one `.received`, `.endOfFile` or `.failed`. A socket that waits occupies no
    /// buffer. On a socket that still connects the receive begins when the connection stands.
    public func receive(_ id: SocketID) {
        self.shared.receive(id)
    }

    /// Queues a copy of `bytes`; they leave with the next turn.
    public func write(_ bytes: UnsafeRawBufferPointer, to id: SocketID) {
        unsafe self.shared.write(bytes, to: id)
    }

    /// Queues a range of the bytes of completion `index` (`.received`, this turn's).
    ///
    /// Adjacent ranges merge, order with `write` is kept. Small ranges are copied when the turn
    /// is flushed, large ones are sent from the receive buffer itself, within the quotas of
    /// `ReactorLimits`.
    public func forward(_ index: Int, offset: Int, count: Int, to id: SocketID) {
        self.shared.forward(index, offset: offset, count: count, to: id)
    }

    /// Says that more output will follow soon what is queued for a socket, and that its reader
    /// can do little before that comes.
    ///
    /// So it need not leave with the next turn: it leaves with the next `write` or `forward`,
    /// at `ReactorLimits.corkBytes`, or after `corkTime`.
    public func cork(_ id: SocketID) {
        self.shared.cork(id)
    }

    /// Bytes queued that the kernel has not accepted.
    public func queued(_ id: SocketID) -> Int {
        let index = self.shared.sockets.findOpen(id)
        return index >= 0 ? self.shared.states[index].output.count : 0
    }

    /// Whether queued output went over the high-water mark and has not fallen to the low-water
    /// mark since. One `.drained` (or `.failed`) ends it.
    public func isCongested(_ id: SocketID) -> Bool {
        let index = self.shared.sockets.findOpen(id)
        return index >= 0 && self.shared.states[index].has(.congested)
    }

    /// Shuts down the write side after all queued output has left. Receives go on; later writes
    /// are ignored.
    public func closeWrite(_ id: SocketID) {
        self.shared.closeWrite(id)
    }

    /// Closes a socket. One `.closed` comes after the descriptor is closed; nothing else of this
    /// socket is delivered from here on.
    ///
    /// - Parameter flushing: Whether queued output is sent first, then the write side shut down
    ///   and input read and discarded to its end, within `ReactorLimits.lingerTimeout` and
    ///   `lingerBytes`; so a last message is not destroyed by a reset. Else at once.
    /// - Parameter isReported: Whether `.closed` comes. An owner that has forgotten the socket
    ///   saves the turn which would bring it.
    public func close(_ id: SocketID, flushing: Bool, isReported: Bool = true) {
        self.shared.close(id, flushing: flushing, isReported: isReported)
    }

    /// Takes over a connected stream socket, for example one that another loop has released.
    ///
    /// Its options stay as they are. `.none`: the table is full or the descriptor is not valid;
    /// it then stays the caller's.
    public func adopt(descriptor: Int32, context: UInt64) -> SocketID {
        self.shared.adopt(descriptor, context: context)
    }

    /// Lets a socket leave this loop with its connection open, so that another can adopt it.
    ///
    /// Queued output is sent and an armed receive cancelled first; then `.released` brings the
    /// descriptor. A `.received`, `.endOfFile` or `.failed` that comes instead calls it off: the
    /// socket stays. Nothing happens while it connects.
    public func release(_ id: SocketID) {
        self.shared.release(id)
    }

    /// Who is on the other end of a Unix socket (SO_PEERCRED); `nil` on TCP.
    public func peerCredentials(_ id: SocketID) -> (pid: Int32, uid: UInt32, gid: UInt32)? {
        guard let descriptor = self.descriptor(of: id) else {
            return nil
        }
        return Syscalls.peerCredentials(descriptor)
    }

    /// This side's address; an unnamed Unix address for a stale ID.
    public func localAddress(of id: SocketID) -> SocketAddress {
        guard let descriptor = self.descriptor(of: id) else {
            return .unix(path: "")
        }
        return Syscalls.localAddress(descriptor) ?? .unix(path: "")
    }

    /// The peer's address; an unnamed Unix address for a stale ID or a peer that has gone.
    public func remoteAddress(of id: SocketID) -> SocketAddress {
        guard let descriptor = self.descriptor(of: id) else {
            return .unix(path: "")
        }
        return Syscalls.remoteAddress(descriptor) ?? .unix(path: "")
    }

    /// Bytes that have arrived and were not received (SIOCINQ).
    public func unreadBytes(_ id: SocketID) -> Int {
        guard let descriptor = self.descriptor(of: id) else {
            return 0
        }
        return Syscalls.unreadBytes(descriptor)
    }

    /// A socket's descriptor, for display only.
    public func descriptor(of id: SocketID) -> Int32? {
        let index = self.shared.sockets.findOpen(id)
        if index < 0 || self.shared.states[index].descriptor < 0 {
            return nil
        }
        return self.shared.states[index].descriptor
    }
}
