/// Memory for output, in four sizes, recycled so that the steady state allocates nothing.
@safe
final class BlockPool {
    private static let header = 64

    /// Bytes of output memory in use.
    private(set) var bytesInUse = 0
    private var free: (Chain, Chain, Chain, Chain)

    @safe
    private struct Chain {
        var head: UnsafeMutablePointer<OutputBlock>?
        var count = 0
    }

    init() {
        precondition(MemoryLayout<OutputBlock>.size <= Self.header, "header is too small")
        self.free = (Chain(), Chain(), Chain(), Chain())
    }

    func deallocate() {
        for sizeClass in 0..<4 {
            while let block = unsafe self.popFree(sizeClass) {
                unsafe UnsafeMutableRawPointer(block).deallocate()
            }
        }
    }

    /// An empty block with room for `wanted` bytes, or for as many as the largest has.
    func takeOwned(for wanted: Int) -> UnsafeMutablePointer<OutputBlock> {
        let sizeClass = wanted <= 1024 - 64 ? 1 : wanted <= 4096 - 64 ? 2 : 3
        let block = unsafe self.take(sizeClass)
        unsafe block.pointee.base = UnsafeMutableRawPointer(block) + Self.header
        unsafe block.pointee.capacity = self.size(sizeClass) - Self.header
        return unsafe block
    }

    /// A block that stands for a range of a receive buffer.
    func takeReference(
        to buffer: Int,
        at base: UnsafeMutableRawPointer,
        start: Int,
        count: Int
    ) -> UnsafeMutablePointer<OutputBlock> {
        let block = unsafe self.take(0)
        unsafe block.pointee.base = base
        unsafe block.pointee.start = start
        unsafe block.pointee.end = start + count
        unsafe block.pointee.capacity = start + count
        unsafe block.pointee.buffer = Int32(truncatingIfNeeded: buffer)
        return unsafe block
    }

    /// Takes a block back.
    func give(_ block: UnsafeMutablePointer<OutputBlock>) {
        let sizeClass = Int(unsafe block.pointee.sizeClass)
        self.bytesInUse -= self.size(sizeClass)
        if !(unsafe self.pushFree(block, sizeClass)) {
            unsafe UnsafeMutableRawPointer(block).deallocate()
        }
    }

    private func take(_ sizeClass: Int) -> UnsafeMutablePointer<OutputBlock> {
        let size = self.size(sizeClass)
        self.bytesInUse += size
        let block: UnsafeMutablePointer<OutputBlock>
        if let recycled = unsafe self.popFree(sizeClass) {
            unsafe block = recycled
        } else {
            let memory = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 64)
            unsafe block = memory.bindMemory(to: OutputBlock.self, capacity: 1)
        }
        unsafe block.initialize(
            to: OutputBlock(
                next: nil,
                base: UnsafeMutableRawPointer(block),
                start: 0,
                end: 0,
                capacity: 0,
                buffer: -1,
                sizeClass: UInt8(sizeClass)
            )
        )
        return unsafe block
    }

    /// Bytes per block, header included: a bare header for ranges of receive buffers, an answer
    /// of a few rows, a page, a large write.
    private func size(_ sizeClass: Int) -> Int {
        switch sizeClass {
        case 0: 64
        case 1: 1024
        case 2: 4096
        default: 16_384
        }
    }

    /// Blocks kept for reuse: what a busy loop has under way at once (about 5 MB in all).
    private func keepAtMost(_ sizeClass: Int) -> Int {
        switch sizeClass {
        case 0: 2048
        case 1: 1024
        case 2: 256
        default: 192
        }
    }

    private func popFree(_ sizeClass: Int) -> UnsafeMutablePointer<OutputBlock>? {
        switch sizeClass {
        case 0: unsafe Self.pop(&self.free.0)
        case 1: unsafe Self.pop(&self.free.1)
        case 2: unsafe Self.pop(&self.free.2)
        default: unsafe Self.pop(&self.free.3)
        }
    }

    private func pushFree(_ block: UnsafeMutablePointer<OutputBlock>, _ sizeClass: Int) -> Bool {
        let most = self.keepAtMost(sizeClass)
        return switch sizeClass {
        case 0: unsafe Self.push(block, &self.free.0, most)
        case 1: unsafe Self.push(block, &self.free.1, most)
        case 2: unsafe Self.push(block, &self.free.2, most)
        default: unsafe Self.push(block, &self.free.3, most)
        }
    }

    private static func pop(_ chain: inout Chain) -> UnsafeMutablePointer<OutputBlock>? {
        guard let block = unsafe chain.head else {
            return nil
        }
        unsafe chain.head = block.pointee.next
        chain.count -= 1
        return unsafe block
    }

    private static func push(
        _ block: UnsafeMutablePointer<OutputBlock>,
        _ chain: inout Chain,
        _ most: Int
    ) -> Bool {
        if chain.count >= most {
            return false
        }
        unsafe block.pointee.next = chain.head
        unsafe chain.head = block
        chain.count += 1
        return true
    }
}
