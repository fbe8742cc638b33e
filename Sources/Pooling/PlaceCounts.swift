/// How many servers of a pool stand at each place; stored in line, since the data path counts.
struct PlaceCounts: Equatable, Sendable {
    private var opening = 0
    private var idle = 0
    private var active = 0
    private var recovering = 0
    private var testing = 0
    private var leaving = 0
    private var dedicated = 0
    private var closing = 0

    /// Servers at all places.
    private(set) var total = 0

    /// Servers at one place.
    func count(_ place: ServerPlace) -> Int {
        switch place {
        case .opening: self.opening
        case .idle: self.idle
        case .active: self.active
        case .recovering: self.recovering
        case .testing: self.testing
        case .leaving: self.leaving
        case .dedicated: self.dedicated
        case .closing: self.closing
        }
    }

    /// One server more (or less, by -1) at a place.
    mutating func add(_ change: Int, at place: ServerPlace) {
        self.total += change
        switch place {
        case .opening: self.opening += change
        case .idle: self.idle += change
        case .active: self.active += change
        case .recovering: self.recovering += change
        case .testing: self.testing += change
        case .leaving: self.leaving += change
        case .dedicated: self.dedicated += change
        case .closing: self.closing += change
        }
    }
}
