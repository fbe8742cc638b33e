import Auth
import Locking
import Pooling
import Synchronization
import Wire

/// What all workers know of one pool. Asked at logins, not on the data path.
final class SharedPool: Sendable {
    /// What has been learned by logging in.
    struct Facts: Sendable {
        /// What clients are greeted with: the parameters that the first server reported, in its
        /// order.
        fileprivate(set) var greeting: Greeting?
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
    private let greetingNumber = Atomic<Int>(0)

    init(id: PoolID, workers: Int) {
        self.id = id
        self.board = PoolBoard(workers: workers)
    }

    /// What clients are greeted with; nil until a server has said it.
    var greeting: Greeting? {
        get { self.facts.withLock { $0.greeting } }
        set {
            self.facts.withLock { $0.greeting = newValue }
            self.greetingNumber.wrappingAdd(1, ordering: .releasing)
        }
    }

    /// Another number each time that the greeting has changed: copies can be kept.
    var greetingVersion: Int { self.greetingNumber.load(ordering: .acquiring) }

    /// The facts as they are now.
    var known: Facts { self.facts.withLock { $0 } }

    /// Changes the facts.
    func learn(_ body: (inout Facts) -> Void) { self.facts.withLock { body(&$0) } }
}
