import Locking
import Pooling

@testable import Fleet

/// A PostgreSQL server of which there is nothing but its list of sessions.
final class SimulatedSessions: SessionSource {
    static let server = ServerIdentity(system: 7123, startedAt: 5432)

    private struct State {
        var sessions: Set<UInt32> = []
        var last: UInt32 = 0
        var most = 0
    }

    private let state = Locked(State())

    /// The most sessions that there ever were.
    var most: Int { self.state.withLock { $0.most } }

    /// How many there are.
    var count: Int { self.state.withLock { $0.sessions.count } }

    /// Logs in.
    func open() -> UInt32 {
        self.state.withLock { state in
            state.last += 1
            state.sessions.insert(state.last)
            state.most = max(state.most, state.sessions.count)
            return state.last
        }
    }

    /// Ends a session.
    func close(_ session: UInt32) { self.state.withLock { _ = $0.sessions.remove(session) } }

    func count(own: [UInt32], deadline: Instant) async throws -> SessionCount {
        self.state.withLock { state in
            SessionCount(
                sessions: state.sessions.count,
                ownListed: state.sessions.intersection(own).count,
                server: Self.server
            )
        }
    }

    func identity(deadline: Instant) async throws -> ServerIdentity {
        Self.server
    }

    func terminate(except claimed: [UInt32], deadline: Instant) async throws -> Int {
        self.state.withLock { state in
            let orphans = state.sessions.subtracting(claimed)
            state.sessions.subtract(orphans)
            return orphans.count
        }
    }

    var serverVersion: Int? { nil }
}
