/// Which worker a client goes to that has connected: one that has few, or the one that accepted it.
///
/// ## Overview
/// Clients that stay are dealt out evenly, since nobody knows which of them will be busy. Clients
/// that come, ask once and go stay where they were accepted as long as that worker has time to
/// spare: to take a socket out of one loop, put it into another and wake a second thread made
/// connecting a quarter dearer than it is on one thread.
///
/// ## Function
/// Looked at once a window: clients come and go when at least half as many have gone as have come.
/// A worker whose CPU time nearly fills its core deals out again.
public struct Dealing: Equatable, Sendable {
    /// Fewer departures than these in a window say nothing.
    static let fewest = 4

    /// The share of a window, in thousandths, from which a worker has no time to spare.
    static let busy = 700

    /// How many clients more than another the accepting worker may have for this.
    static let keptMost = 32

    /// Whether clients come and go at present, and the accepting worker has time for them.
    public private(set) var isKeeping = false

    private var arrivals = 0
    private var departures = 0
    /// CPU time of the worker's thread at the end of the last window, in nanoseconds.
    private var cpuTime: Nanoseconds = 0
    private var windowStart: Instant = 0

    /// Creates the dealing of a worker that accepts clients.
    public init() {}

    /// A client that was accepted here has stayed here.
    public mutating func kept() { self.arrivals += 1 }

    /// A client of this worker has gone.
    public mutating func left() { self.departures += 1 }

    /// Ends a window, which begins where the last one ended.
    ///
    /// - Parameter cpuTime: what the worker's thread has used since it began, in nanoseconds.
    public mutating func windowEnded(cpuTime: Nanoseconds, now: Instant) {
        let used = cpuTime - self.cpuTime
        let length = now - self.windowStart
        let hasTime = used < length / 1_000 * Nanoseconds(Self.busy)
        self.isKeeping =
            hasTime && self.departures >= Self.fewest && self.departures * 2 >= self.arrivals
        self.arrivals = 0
        self.departures = 0
        self.cpuTime = cpuTime
        self.windowStart = now
    }

    /// Whether a client stays where it was accepted.
    ///
    /// - Parameters:
    ///   - own: how many clients the accepting worker has.
    ///   - other: how many the worker has that would get it otherwise.
    public func keeps(own: Int, other: Int) -> Bool {
        self.isKeeping && own - other < Self.keptMost
    }
}
