import Auth
import Locking
import Pooling
import Wire

/// What all workers know of one pool. Asked at logins, not on the data path.
final class SharedPool: Sendable {
    /// What has been learned by logging in.
    struct Facts: Sendable {
        /// What clients are greeted with: the parameters that the first server reported, in its
        /// order.
        var greeting: Greeting?
        /// What a client's login has taught about logging in to the server.
        var learned = LearnedCredentials()
        /// Some client has logged in, so that keys to pass through are known if they are needed.
        var clientsHaveLoggedIn = false
        /// Why the last login to the server failed.
        var lastFailure: ErrorFields?
    }

    let id: PoolID
    let board: PoolBoard
    private let facts = Locked(Facts())

    init(id: PoolID, workers: Int) {
        self.id = id
        self.board = PoolBoard(workers: workers)
    }

    /// The facts as they are now.
    var known: Facts { self.facts.withLock { $0 } }

    /// Changes the facts.
    func learn(_ body: (inout Facts) -> Void) { self.facts.withLock { body(&$0) } }
}
