import CLinux
import Glibc

/// What one socket still has to send, in order.
///
/// Overview: two chains of blocks. *Settled* blocks may be offered to the kernel and do not
/// move until they are consumed. *Fresh* ones came in this turn; among them are ranges of
/// receive buffers that are only borrowed.
///
/// Function: `settle` runs once a turn, before the send. It copies what is small or over quota
/// into memory of the socket and keeps the rest by reference, so that no borrowed range outlives
/// its turn. A send in flight points into settled blocks; appending to the last of them writes
/// only behind what the send covers.
@safe
struct OutputQueue {
    private var head: UnsafeMutablePointer<OutputBlock>?
    private var tail: UnsafeMutablePointer<OutputBlock>?
    private var freshHead: UnsafeMutablePointer<OutputBlock>?
    private var freshTail: UnsafeMutablePointer<OutputBlock>?
    /// Bytes in both chains.
    private(set) var count = 0
    /// Bytes of the receive buffers that settled blocks hold.
    private var held = 0

    init() {}

    var isEmpty: Bool { self.count == 0 }
    var hasFresh: Bool { unsafe self.freshHead != nil }

    /// Appends a copy of `bytes`.
    mutating func append(_ bytes: UnsafeRawBufferPointer, _ memory: OutputMemory) {
        guard let start = bytes.baseAddress, bytes.count > 0 else {
            return
        }
        self.count += bytes.count
        if unsafe self.freshHead == nil {
            unsafe Self.copy(start, bytes.count, &self.head, &self.tail, memory)
        } else {
            unsafe Self.copy(start, bytes.count, &self.freshHead, &self.freshTail, memory)
        }
    }

    /// Appends a range of a receive buffer: short ones are copied at once, which costs less
    /// than keeping account of them; others are only borrowed until `settle`.
    mutating func forward(_ buffer: Int, offset: Int, count: Int, _ memory: OutputMemory) {
        if count <= 0 {
            return
        }
        self.count += count
        if let last = unsafe self.freshTail, unsafe Int(last.pointee.buffer) == buffer,
            unsafe last.pointee.end == offset
        {
            unsafe last.pointee.end += count
            unsafe last.pointee.capacity += count
            return
        }
        let bytes = unsafe memory.buffers.bytes(buffer)
        if count < memory.limits.holdMinimum {
            memory.counters.copiedForwards += 1
            self.count -= count
            unsafe self.append(UnsafeRawBufferPointer(start: bytes + offset, count: count), memory)
            return
        }
        memory.buffers.retain(buffer)
        let block = unsafe memory.blocks.takeReference(
            to: buffer,
            at: bytes,
            start: offset,
            count: count
        )
        unsafe Self.link(block, &self.freshHead, &self.freshTail)
    }

    /// Decides for every block of this turn whether it is copied or stays where it is.
    mutating func settle(_ memory: OutputMemory) {
        var next = unsafe self.freshHead
        unsafe self.freshHead = nil
        unsafe self.freshTail = nil
        while let block = unsafe next {
            unsafe next = block.pointee.next
            unsafe block.pointee.next = nil
            let size = unsafe block.pointee.count
            let buffer = unsafe Int(block.pointee.buffer)
            if buffer >= 0 && memory.hold(buffer, size, of: self.count, self.held) {
                self.held += memory.buffers.size(of: buffer)
                unsafe Self.link(block, &self.head, &self.tail)
            } else if unsafe block.pointee.isOwned && size > self.roomAtTail {
                unsafe Self.link(block, &self.head, &self.tail)
            } else {
                let start = unsafe block.pointee.base + block.pointee.start
                unsafe Self.copy(start, size, &self.head, &self.tail, memory)
                unsafe memory.discard(block)
            }
        }
    }

    /// Whether there is exactly one settled run.
    var hasOneRun: Bool {
        guard let block = unsafe self.head else {
            return false
        }
        return unsafe block.pointee.next == nil
    }

    /// The first settled run; empty if there is none.
    var firstRun: UnsafeRawBufferPointer {
        guard let block = unsafe self.head else {
            return unsafe UnsafeRawBufferPointer(start: nil, count: 0)
        }
        return unsafe UnsafeRawBufferPointer(
            start: block.pointee.base + block.pointee.start,
            count: block.pointee.count
        )
    }

    /// Fills `vectors` with the first settled runs; returns how many and their bytes.
    func gather(
        _ vectors: UnsafeMutablePointer<iovec>,
        _ most: Int
    ) -> (segments: Int, bytes: Int) {
        var segments = 0
        var bytes = 0
        var next = unsafe self.head
        while let block = unsafe next, segments < most {
            unsafe vectors[segments].iov_base = block.pointee.base + block.pointee.start
            unsafe vectors[segments].iov_len = block.pointee.count
            unsafe bytes += block.pointee.count
            segments += 1
            unsafe next = block.pointee.next
        }
        return (segments, bytes)
    }

    /// The kernel has accepted `count` bytes from the front of the settled runs.
    mutating func consume(_ count: Int, _ memory: OutputMemory) {
        var left = count
        while left > 0, let block = unsafe self.head {
            let step = unsafe min(left, block.pointee.count)
            unsafe block.pointee.start += step
            left -= step
            self.count -= step
            if unsafe block.pointee.count > 0 {
                return
            }
            unsafe self.removeHead(block, memory)
        }
    }

    /// Forgets everything, or with a send in flight only what came in this turn.
    mutating func drop(keepingSettled: Bool, _ memory: OutputMemory) {
        while let block = unsafe self.freshHead {
            unsafe self.freshHead = block.pointee.next
            unsafe self.count -= block.pointee.count
            unsafe memory.discard(block)
        }
        unsafe self.freshTail = nil
        if keepingSettled {
            return
        }
        while let block = unsafe self.head {
            unsafe self.count -= block.pointee.count
            unsafe self.removeHead(block, memory)
        }
    }

    private mutating func removeHead(
        _ block: UnsafeMutablePointer<OutputBlock>,
        _ memory: OutputMemory
    ) {
        unsafe self.head = block.pointee.next
        if unsafe self.head == nil {
            unsafe self.tail = nil
        }
        let buffer = unsafe Int(block.pointee.buffer)
        if buffer >= 0 {
            self.held -= memory.buffers.size(of: buffer)
            memory.letGo(buffer)
        }
        unsafe memory.discard(block)
    }

    private var roomAtTail: Int {
        guard let last = unsafe self.tail else {
            return 0
        }
        return unsafe last.pointee.room
    }

    private static func link(
        _ block: UnsafeMutablePointer<OutputBlock>,
        _ head: inout UnsafeMutablePointer<OutputBlock>?,
        _ tail: inout UnsafeMutablePointer<OutputBlock>?
    ) {
        if let last = unsafe tail {
            unsafe last.pointee.next = block
        } else {
            unsafe head = block
        }
        unsafe tail = block
    }

    /// Copies bytes to the end of a chain, first into the room that its last block has.
    private static func copy(
        _ bytes: UnsafeRawPointer,
        _ count: Int,
        _ head: inout UnsafeMutablePointer<OutputBlock>?,
        _ tail: inout UnsafeMutablePointer<OutputBlock>?,
        _ memory: OutputMemory
    ) {
        var from = unsafe bytes
        var left = count
        while left > 0 {
            let block: UnsafeMutablePointer<OutputBlock>
            if let last = unsafe tail, unsafe last.pointee.room > 0 {
                unsafe block = last
            } else {
                unsafe block = memory.blocks.takeOwned(for: left)
                unsafe self.link(block, &head, &tail)
            }
            let step = unsafe min(left, block.pointee.room)
            let end = unsafe block.pointee.base + block.pointee.end
            unsafe end.copyMemory(from: from, byteCount: step)
            unsafe block.pointee.end += step
            unsafe from += step
            left -= step
        }
    }
}
