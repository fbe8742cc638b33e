import Locking
import Pooling

@testable import Fleet

/// A list of sessions for tests that need no PostgreSQL.
final class FakeSessions: SessionSource {
    static let server = ServerIdentity(system: 7123, startedAt: 5432)

    /// What it answers, and what it was asked.
    struct State: Sendable {
        var sessions = 0
        var failure: String?
        var claimed: [UInt32]?
        var counts = 0
        /// How many ask at this moment who it is, and how many ever did at once.
        var asking = 0
        var mostAsking = 0
    }

    let state = Locked(State())

    func count(own: [UInt32], deadline: Instant) async throws -> SessionCount {
        let state = self.state.withLock { state in
            state.counts += 1
            return state
        }
        if let failure = state.failure { throw TestFailure(failure) }
        return SessionCount(sessions: state.sessions, ownListed: own.count, server: Self.server)
    }

    func identity(deadline: Instant) async throws -> ServerIdentity {
        self.state.withLock { state in
            state.asking += 1
            state.mostAsking = max(state.mostAsking, state.asking)
        }
        await EtcdLoop.shared.sleep(20_000_000)
        self.state.withLock { $0.asking -= 1 }
        if let failure = self.state.withLock({ $0.failure }) { throw TestFailure(failure) }
        return Self.server
    }

    var serverVersion: Int? { 150_018 }

    func terminate(except claimed: [UInt32], deadline: Instant) async throws -> Int {
        self.state.withLock { $0.claimed = claimed }
        return 1
    }
}
