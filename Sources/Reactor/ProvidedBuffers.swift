import CLinux
import Glibc

/// One group of provided buffers: those of a pool that the kernel may take when bytes are there.
@safe
final class ProvidedBuffers {
    private let pool: BufferPool
    private let ring: UnsafeMutablePointer<io_uring_buf_ring>
    private let ringBytes: Int
    private let mask: Int32
    let group: UInt16
    /// Buffers that the kernel may take from now.
    private(set) var lent = 0
    /// How many it should have. The ring hands them out in turn, so a small number keeps the
    /// caches warm and leaves the memory of the others untouched; each turn in which a receive
    /// found none doubles it.
    private var wanted: Int
    /// A receive found no buffer in the last turn.
    private var isShort = false

    /// - Parameter first: How many are lent at first.
    init(pool: BufferPool, group: UInt16, first: Int) throws(ReactorError) {
        self.pool = pool
        self.group = group
        self.wanted = min(first, pool.count)
        // Without a buffer there is still a ring, so that a receive finds its group.
        let entries = max(pool.count, 1)
        self.mask = io_uring_buf_ring_mask(UInt32(entries))
        self.ringBytes = entries * MemoryLayout<io_uring_buf>.stride
        guard let pages = unsafe Syscalls.mapPages(self.ringBytes) else {
            throw .system(call: "mmap", errno: Syscalls.lastError)
        }
        unsafe self.ring = pages.bindMemory(to: io_uring_buf_ring.self, capacity: 1)
    }

    func deallocate() {
        unsafe Syscalls.unmapPages(self.ring, self.ringBytes)
    }

    /// Tells the kernel where the ring is. 0, or a negative errno.
    func register(with ring: UnsafeMutablePointer<io_uring>) -> Int32 {
        let outcome = unsafe IOUringSetup.registerBuffers(
            ring,
            UnsafeMutableRawPointer(self.ring),
            count: max(self.pool.count, 1),
            group: self.group
        )
        if outcome >= 0 {
            unsafe io_uring_buf_ring_init(self.ring)
        }
        return outcome
    }

    /// Bytes that one receive may bring.
    var size: Int { self.pool.size }

    /// The kernel has used a buffer, which is the caller's now.
    func used() {
        self.lent -= 1
    }

    /// A receive found no buffer.
    func missed() {
        self.isShort = true
    }

    /// Lends the kernel buffers that have come back, as far as wanted.
    func provide() {
        if self.isShort {
            self.isShort = false
            self.wanted = min(self.wanted * 2, self.pool.count)
        }
        var count: Int32 = 0
        while self.lent < self.wanted, let buffer = self.pool.takeReturned() {
            self.lent += 1
            unsafe io_uring_buf_ring_add(
                self.ring,
                self.pool.bytes(buffer),
                UInt32(self.pool.size),
                UInt16(buffer),
                self.mask,
                count
            )
            count += 1
        }
        if count > 0 {
            unsafe io_uring_buf_ring_advance(self.ring, count)
        }
    }
}
