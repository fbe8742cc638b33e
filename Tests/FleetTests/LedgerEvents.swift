import Locking
import Pooling

@testable import Fleet

/// What an engine has told its member, and when.
final class LedgerEvents: Sendable {
    private let events = Locked<[(event: LedgerEvent, at: Instant)]>([])

    func note(_ event: LedgerEvent) {
        let now = BootClock.now
        self.events.withLock { $0.append((event, now)) }
    }

    /// How many there are; where to begin to look for those to come.
    var count: Int { self.events.withLock { $0.count } }

    /// What `pick` finds in those from `start` on.
    func all<Found: Sendable>(from start: Int = 0, _ pick: (LedgerEvent) -> Found?) -> [Found] {
        self.events.withLock { $0 }.dropFirst(start).compactMap { pick($0.event) }
    }

    /// Waits for an event.
    ///
    /// - Returns: what `pick` finds, and when that came.
    @discardableResult
    func wait<Found: Sendable>(
        _ what: String,
        from start: Int = 0,
        seconds: Int = 10,
        _ pick: (LedgerEvent) -> Found?
    ) async throws -> (found: Found, at: Instant) {
        let end = BootClock.now + Int64(seconds) * 1_000_000_000
        while true {
            let events = self.events.withLock { $0 }
            for (event, moment) in events.dropFirst(start) {
                if let found = pick(event) { return (found, moment) }
            }
            guard BootClock.now < end else {
                throw TestFailure("no \(what); there were \(events.dropFirst(start).map(\.event))")
            }
            await OwnThread.sleep(milliseconds: 5)
        }
    }
}
