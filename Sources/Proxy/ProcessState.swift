import Auth
import Locking
import Pooling
import Reactor
import Settings
import Synchronization

/// What the workers of a process share: the names of databases, users and pools, the counts that
/// limits apply to, and where to reach each other.
///
/// Everything behind the lock is asked when something is opened, closed or logged in, never per
/// query.
@safe
public final class ProcessState: Sendable {
    struct PoolName: Hashable {
        var database: Int
        var user: Int
    }

    /// Names, and the places that they have in `SharedCounts`; nothing is ever renumbered.
    struct Guarded {
        var counts = SharedCounts()
        var databases: [String: SharedDatabase] = [:]
        var users: [String: Int] = [:]
        var servers = KnownServers()
        /// The numbers of the seats in the fleet that are in force, by the server's place.
        var seatNumbers: [Int: Int64] = [:]
        /// Roles that clients may log in as, those of the users above aside.
        var knownRoles: Set<String> = []
        var pools: [PoolName: SharedPool] = [:]
        /// What PostgreSQL servers have said of themselves, by their addresses.
        var capacities: [String: ServerCapacity] = [:]
        /// Why others have said nothing.
        var capacityProblems: [String: String] = [:]
        /// Automatic databases that nobody has used for long, by their place among the caps.
        var forgotten: Set<Int> = []
    }

    /// One worker's figures that others read.
    struct Load: ~Copyable {
        /// Clients that it has or that are on their way to it.
        let clients = Atomic<Int>(0)
        /// Pools in which its clients want servers that are not under way.
        let wantingPools = Atomic<Int>(0)
        private let padding: (Int64, Int64, Int64, Int64, Int64, Int64) = (0, 0, 0, 0, 0, 0)
    }

    /// How many workers there are.
    public let workers: Int
    private let guarded = Locked(Guarded())
    private let mailboxes: Locked<[Mailbox<WorkerMessage>?]>
    /// The process's places in its fleet. Taken before the lock above, where both are.
    let seats = Locked(Seats())
    private let nextNumber = Atomic<Int64>(1)
    /// Connected clients, those that have not said who they are included.
    private let connections = Atomic<Int>(0)
    /// Clients that have said who they are and want a database, against `max_client_conn`.
    private let admitted = Atomic<Int>(0)
    /// The first worker waits until slots are free, and wants to be told.
    private let slotsAwaited = Atomic<Bool>(false)
    private nonisolated(unsafe) let loads: UnsafeMutablePointer<Load>
    /// What mock salts come from: the same whichever worker a client comes to.
    let mockKey: [UInt8]
    /// Where texts fall in workers' tables of statements.
    let statementSeed: UInt64
    /// Makes the names of shared statements: the same in all workers.
    let contentHash: ContentHash.Maker

    /// Creates the state of a process with so many workers.
    public init(workers: Int) {
        precondition(workers > 0, "a process without workers")
        self.workers = workers
        self.mailboxes = Locked([Mailbox<WorkerMessage>?](repeating: nil, count: workers))
        unsafe self.loads = UnsafeMutablePointer.allocate(capacity: workers)
        for index in 0..<workers { unsafe (self.loads + index).initialize(to: Load()) }
        var random = RandomSource()
        self.mockKey = random.bytes(AuthLimits.mockKeyLength)
        self.statementSeed = random.next()
        let secret = random.bytes(32)
        self.contentHash = { content in
            let digest = ContentDigest.digest(secret: secret, content)
            let halves = [digest[..<8], digest[8..<16]].map { half in
                half.reduce(0) { UInt64($0) << 8 | UInt64($1) }
            }
            return ContentHash(high: halves[0], low: halves[1])
        }
    }

    deinit { unsafe self.loads.deallocate() }

    // MARK: The lock

    /// Names and counts, while nobody else has them.
    func withLock<Result>(_ body: (inout Guarded) throws -> Result) rethrows -> Result {
        try self.guarded.withLock { try body(&$0) }
    }

    // MARK: Names

    /// A number that nothing else in this process has had.
    func number() -> Int64 { self.nextNumber.wrappingAdd(1, ordering: .relaxed).oldValue }

    /// A database by its name, and whether no worker has had it before.
    func database(_ name: String, now: Instant) -> (SharedDatabase, isNew: Bool) {
        self.withLock { state in
            if let known = state.databases[name] { return (known, false) }
            let database = SharedDatabase(cap: state.counts.addDatabase(limit: 0), now: now)
            state.databases[name] = database
            return (database, true)
        }
    }

    func user(_ name: String) -> Int {
        self.place(of: name, in: \.users) { $0.addUser(limit: 0) }
    }

    /// The place of a name among the caps, which it gets when it comes for the first time.
    private func place(
        of name: String,
        in names: WritableKeyPath<Guarded, [String: Int]>,
        _ add: (inout SharedCounts) -> Int
    ) -> Int {
        self.withLock { state in
            if let known = state[keyPath: names][name] { return known }
            let place = add(&state.counts)
            state[keyPath: names][name] = place
            return place
        }
    }

    /// The pool of a database and a user, and the database and user of every pool from the number
    /// `first` on, for a worker that knows those before.
    func pool(
        database: Int,
        user: Int,
        knownPools first: Int
    ) -> (pool: SharedPool, unknown: [(database: Int, user: Int)]) {
        self.withLock { state in
            let name = PoolName(database: database, user: user)
            let pool: SharedPool
            if let known = state.pools[name] {
                pool = known
            } else {
                let id = state.counts.addPool(database: database, user: user)
                pool = SharedPool(id: id, workers: self.workers)
                state.pools[name] = pool
            }
            let unknown = state.counts.pools.dropFirst(first).map {
                (database: $0.database, user: $0.user)
            }
            return (pool, unknown)
        }
    }

    /// Forgets an automatic database that nobody has; false when somebody does.
    func forget(_ cap: Int) -> Bool {
        self.withLock { state in
            guard state.counts.databases[cap].clients == 0, state.counts.databases[cap].used == 0
            else { return false }
            return state.forgotten.insert(cap).inserted
        }
    }

    /// A database is used again; true when it had been forgotten.
    func recall(_ cap: Int) -> Bool { self.withLock { $0.forgotten.remove(cap) != nil } }

    /// Whether a database has clients or server connections.
    func isUsed(_ cap: Int) -> Bool {
        self.withLock {
            $0.counts.databases[cap].clients > 0 || $0.counts.databases[cap].used > 0
        }
    }

    /// Has the next server of each pool bring what clients are greeted with; nil for all databases.
    func voidGreetings(ofDatabase cap: Int?) {
        for pool in self.pools(ofDatabase: cap) { pool.greeting = nil }
    }

    /// Forgets what clients have taught about a database's pools, as if those were new.
    func forgetFacts(ofDatabase cap: Int) {
        for pool in self.pools(ofDatabase: cap) {
            pool.greeting = nil
            pool.learn { $0 = SharedPool.Facts() }
        }
    }

    private func pools(ofDatabase cap: Int?) -> [SharedPool] {
        self.withLock { state in
            state.pools.filter { cap == nil || $0.key.database == cap }.map(\.value)
        }
    }

    /// Whether nobody has used an automatic database for long.
    func isForgotten(_ cap: Int) -> Bool { self.withLock { $0.forgotten.contains(cap) } }

    // MARK: Clients

    /// A client wants to be one of `limit`; false when there are as many already.
    func admit(limit: Int) -> Bool {
        let others = self.admitted.wrappingAdd(1, ordering: .relaxed).oldValue
        if others < limit { return true }
        self.dismiss()
        return false
    }

    /// A client that was admitted has gone.
    func dismiss() { _ = self.admitted.wrappingSubtract(1, ordering: .relaxed) }

    /// Clients that were admitted.
    var clients: Int { self.admitted.load(ordering: .relaxed) }

    /// A client has connected and is a worker's from now on; returns how many there are.
    func connected(_ worker: Int) -> Int {
        unsafe self.loads[worker].clients.wrappingAdd(1, ordering: .relaxed)
        return self.connections.wrappingAdd(1, ordering: .relaxed).newValue
    }

    /// A worker's client has gone.
    func left(_ worker: Int) {
        unsafe self.loads[worker].clients.wrappingSubtract(1, ordering: .relaxed)
        self.connections.wrappingSubtract(1, ordering: .relaxed)
    }

    /// A client goes from one worker to another.
    func moved(from old: Int, to new: Int) {
        unsafe self.loads[old].clients.wrappingSubtract(1, ordering: .relaxed)
        unsafe self.loads[new].clients.wrappingAdd(1, ordering: .relaxed)
    }

    /// The clients that a worker has.
    func load(of worker: Int) -> Int {
        unsafe self.loads[worker].clients.load(ordering: .relaxed)
    }

    /// The less loaded of two workers drawn by lot, which spreads nearly as well as to ask all.
    func worker(for random: inout RandomSource) -> Int {
        guard self.workers > 1 else { return 0 }
        let first = Int.random(in: 0..<self.workers, using: &random)
        let step = Int.random(in: 1..<self.workers, using: &random)
        let second = (first + step) % self.workers
        return self.load(of: first) <= self.load(of: second) ? first : second
    }

    /// In how many pools a worker's clients want servers.
    func setWantingPools(_ count: Int, of worker: Int) {
        unsafe self.loads[worker].wantingPools.store(count, ordering: .sequentiallyConsistent)
    }

    /// Whether somebody at a worker wants a server.
    func isWanting(_ worker: Int) -> Bool {
        unsafe self.loads[worker].wantingPools.load(ordering: .sequentiallyConsistent) > 0
    }

    /// Whether the first worker waits until slots are free.
    var awaitsSlots: Bool {
        get { self.slotsAwaited.load(ordering: .sequentiallyConsistent) }
        set { self.slotsAwaited.store(newValue, ordering: .sequentiallyConsistent) }
    }

    // MARK: Mail

    /// Those of the workers that are there.
    var allMailboxes: [Mailbox<WorkerMessage>] {
        self.mailboxes.withLock { $0.compactMap { $0 } }
    }

    /// Enters a worker's mailbox; returns all mailboxes when this was the last one.
    func join(_ worker: Int, _ mailbox: Mailbox<WorkerMessage>) -> [Mailbox<WorkerMessage>]? {
        self.mailboxes.withLock { mailboxes in
            mailboxes[worker] = mailbox
            let known = mailboxes.compactMap { $0 }
            return known.count == self.workers ? known : nil
        }
    }
}
