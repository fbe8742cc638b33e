extension EventLoop {
    /// Listens on an address and accepts at once; each connection is an `.accepted` with
    /// `context`.
    ///
    /// The file of a Unix socket on which nobody listens any more is replaced. When accept finds
    /// no descriptor (EMFILE, ENFILE) or no place in the table, the listener rests for
    /// `ReactorLimits.acceptBackoff` and the event is counted.
    public func listen(
        on address: SocketAddress,
        options: ListenOptions = ListenOptions(),
        context: UInt64
    ) throws(ReactorError) -> ListenerID {
        let descriptor = try Listener.open(
            address,
            options,
            isNonblocking: self.shared.isNonblocking
        )
        guard
            let id = self.shared.listeners.add(
                descriptor,
                address: address,
                context: context,
                comesWithBytes: options.deferAccept && !address.isUnix
            )
        else {
            Syscalls.close(descriptor)
            throw .tooManyListeners
        }
        return id
    }

    /// Stops listening in the next turn. A Unix socket's file goes with it, if it is still ours.
    public func closeListener(_ id: ListenerID) {
        let index = self.shared.listeners.find(id)
        if index >= 0 {
            self.shared.listeners.states[index].isClosing = true
            self.shared.listeners.hasChanged = true
        }
    }

    /// Leaves new connections in the kernel's queue. Some that were under way may still come.
    public func pauseAccepting(_ id: ListenerID) {
        let index = self.shared.listeners.find(id)
        if index >= 0 && !self.shared.listeners.states[index].isPaused {
            self.shared.listeners.states[index].isPaused = true
            self.shared.listeners.hasChanged = true
        }
    }

    /// Accepts again.
    public func resumeAccepting(_ id: ListenerID) {
        let index = self.shared.listeners.find(id)
        if index >= 0 && self.shared.listeners.states[index].isPaused {
            self.shared.listeners.states[index].isPaused = false
            self.shared.listeners.hasChanged = true
        }
    }

    /// Where a listener listens, with the port that the kernel chose for port 0; an unnamed
    /// Unix address for a stale ID.
    public func localAddress(of id: ListenerID) -> SocketAddress {
        let index = self.shared.listeners.find(id)
        return index >= 0 ? self.shared.listeners.address(index) : .unix(path: "")
    }

    /// A listener's descriptor, for display only.
    public func descriptor(of id: ListenerID) -> Int32? {
        let index = self.shared.listeners.find(id)
        return index >= 0 ? self.shared.listeners.states[index].descriptor : nil
    }
}
