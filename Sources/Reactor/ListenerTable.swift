import CLinux
import Glibc

/// The listeners of a loop. Few, so that sweeps over all are fine.
final class ListenerTable {
    let states: Slab<ListenerState>
    /// Entries that have ever been used.
    private(set) var used = 0
    /// Whether the engine must look at the listeners.
    var hasChanged = false
    /// When the first resting listener tries again; `.max` if none rests.
    private(set) var nextRetry = Int64.max
    private var addresses: [SocketAddress] = []

    init?(capacity: Int) {
        guard let states = Slab<ListenerState>(capacity: capacity) else {
            return nil
        }
        self.states = states
    }

    func add(
        _ descriptor: Int32,
        address: SocketAddress,
        context: UInt64,
        comesWithBytes: Bool
    ) -> ListenerID? {
        var index = 0
        while index < self.used && self.states[index].isLive {
            index += 1
        }
        if index == self.states.capacity {
            return nil
        }
        var state = ListenerState()
        if index == self.used {
            self.used += 1
            self.addresses.append(address)
        } else {
            state.generation = self.states[index].generation
            self.addresses[index] = address
        }
        state.descriptor = descriptor
        state.context = context
        state.isLive = true
        state.comesWithBytes = comesWithBytes
        if case .unix(let path) = address, let file = Syscalls.identity(ofFile: path) {
            state.device = file.device
            state.inode = file.inode
        }
        self.states[index] = state
        self.hasChanged = true
        return ListenerID(
            index: UInt32(truncatingIfNeeded: index),
            generation: state.generation
        )
    }

    /// The index of a live listener that is not closing, or -1.
    func find(_ id: ListenerID) -> Int {
        let index = Int(id.index)
        if index < self.used && self.states[index].isLive && !self.states[index].isClosing
            && self.states[index].generation == id.generation
        {
            return index
        }
        return -1
    }

    func address(_ index: Int) -> SocketAddress {
        Syscalls.localAddress(self.states[index].descriptor) ?? self.addresses[index]
    }

    /// Closes a listener's descriptor, removes its file and frees its entry.
    func close(_ index: Int) {
        let state = self.states[index]
        Syscalls.close(state.descriptor)
        if case .unix(let path) = self.addresses[index], state.inode != 0,
            let file = Syscalls.identity(ofFile: path),
            file.device == state.device && file.inode == state.inode
        {
            Syscalls.removeFile(path)
        }
        var free = ListenerState()
        free.generation = state.generation &+ 1
        self.states[index] = free
    }

    func rest(_ index: Int, until time: Int64) {
        self.states[index].retryAt = time
        self.nextRetry = min(self.nextRetry, time)
        self.hasChanged = true
    }

    func expireRetries(now: Int64) {
        if self.nextRetry > now {
            return
        }
        self.nextRetry = .max
        for index in 0..<self.used where self.states[index].retryAt != 0 {
            if self.states[index].retryAt <= now {
                self.states[index].retryAt = 0
                self.hasChanged = true
            } else {
                self.nextRetry = min(self.nextRetry, self.states[index].retryAt)
            }
        }
    }
}
