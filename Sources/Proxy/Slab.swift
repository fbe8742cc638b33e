/// Places for connections, found by number in O(1) and reused with a new generation.
///
/// An ID that outlives its connection finds nothing, never the place's next tenant.
struct Slab<Element: AnyObject> {
    private var elements: [Element?] = []
    private var generations: [UInt32] = []
    private var free: [UInt32] = []

    /// How many places are taken.
    private(set) var count = 0

    /// How many places there are.
    var capacity: Int { self.elements.count }

    /// Every place, taken or free: for a walk that comes often and shall allocate nothing. What
    /// changes on the way is met or not, as its place is ahead or behind.
    var places: Range<UInt32> { 0..<UInt32(self.elements.count) }

    /// Puts what `make` returns for a free place there.
    mutating func insert(_ make: (_ index: UInt32, _ generation: UInt32) -> Element) -> Element {
        let index: UInt32
        if let reused = self.free.popLast() {
            index = reused
        } else {
            index = UInt32(self.elements.count)
            self.elements.append(nil)
            self.generations.append(0)
        }
        let element = make(index, self.generations[Int(index)])
        self.elements[Int(index)] = element
        self.count += 1
        return element
    }

    /// The tenant of a place; nil when it is free.
    subscript(index: UInt32) -> Element? {
        Int(index) < self.elements.count ? self.elements[Int(index)] : nil
    }

    /// The tenant, if it is still the one meant.
    subscript(index: UInt32, generation: UInt32) -> Element? {
        guard Int(index) < self.elements.count, self.generations[Int(index)] == generation else {
            return nil
        }
        return self.elements[Int(index)]
    }

    /// Frees a place.
    mutating func remove(_ index: UInt32) {
        precondition(self.elements[Int(index)] != nil, "place \(index) is free already")
        self.elements[Int(index)] = nil
        self.generations[Int(index)] &+= 1
        self.free.append(index)
        self.count -= 1
    }

    /// All tenants, in the order of their places; safe against changes on the way.
    var all: [Element] { self.elements.compactMap { $0 } }
}
