import Glibc

/// A fixed number of trivial elements at fixed addresses, zero pages until they are used.
///
/// The pages are reserved, not occupied: a table of 65,536 entries costs memory only for those
/// that were used. Indices are checked, so a wrong one traps instead of reaching other memory;
/// that is why the type is safe although it is made of a pointer.
@safe
struct Slab<Element: BitwiseCopyable> {
    private let base: UnsafeMutablePointer<Element>
    let capacity: Int

    /// Reserves room; elements are uninitialised until they are assigned.
    init?(capacity: Int) {
        let bytes = capacity * MemoryLayout<Element>.stride
        guard let pages = unsafe Syscalls.mapPages(bytes) else {
            return nil
        }
        unsafe self.base = pages.bindMemory(to: Element.self, capacity: capacity)
        self.capacity = capacity
    }

    /// Gives the pages back. Nothing may use the slab afterwards.
    func deallocate() {
        unsafe Syscalls.unmapPages(self.base, self.capacity * MemoryLayout<Element>.stride)
    }

    /// The element at an index, in place.
    subscript(index: Int) -> Element {
        @inline(__always)
        unsafeAddress {
            precondition(index >= 0 && index < self.capacity, "index outside of the slab")
            return unsafe UnsafePointer(self.base + index)
        }
        @inline(__always)
        nonmutating unsafeMutableAddress {
            precondition(index >= 0 && index < self.capacity, "index outside of the slab")
            return unsafe self.base + index
        }
    }
}
