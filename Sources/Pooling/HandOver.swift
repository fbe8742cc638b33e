/// When a server connection goes from one worker to another: the rules, as comparisons of what
/// each worker has published.
///
/// ## No lost wake-up
/// Before a worker sleeps it publishes how many of its clients want a server and how many idle
/// servers it has, and only then reads what the others have published, all sequentially
/// consistent. So of two workers, one that gets a waiter and one that gets an idle server, at
/// least one sees the other: the first asks for the server, or the second sends it.
public enum HandOver {
    /// The least by which somebody elsewhere must have waited longer, in nanoseconds: below it a
    /// move costs more than the wait.
    static let leastDifference: Nanoseconds = 1_000_000

    /// The difference from which a wait is longer whatever the waits are, in nanoseconds.
    static let clearDifference: Nanoseconds = 10_000_000

    /// Time between two moves of one pool for fairness' sake, in nanoseconds: what is published
    /// must be able to follow.
    public static let pace: Nanoseconds = 5_000_000

    /// Whether a server that comes free goes to another worker's oldest waiter rather than to this
    /// worker's.
    ///
    /// Among short waits twice as long is clearly longer, among long ones 10 ms are. Locality is
    /// the habit and this is the bound of what it may cost anybody.
    ///
    /// - Parameters:
    ///   - theirs: since when their oldest client waits.
    ///   - own: likewise here.
    public static func isClearlyOlder(_ theirs: Instant, than own: Instant, now: Instant) -> Bool {
        let age = max(0, now - own)
        return own - theirs > min(age + Self.leastDifference, Self.clearDifference)
    }

    /// How many more servers a worker wants than are on their way to it.
    public static func missing(wanting: Int, inbound: Int) -> Int { max(0, wanting - inbound) }
}
