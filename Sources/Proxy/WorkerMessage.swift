import Auth
import Pooling
import Reactor
import Settings
import Telemetry
import Wire

/// What other threads tell a worker.
public struct WorkerMessage: Sendable {
    let content: Content

    init(_ content: Content) { self.content = content }

    /// A signal's meaning.
    public static func signal(_ signal: WorkerSignal) -> WorkerMessage {
        WorkerMessage(.signal(signal))
    }

    /// What the message says.
    enum Content: Sendable {
        case signal(WorkerSignal)

        // From helper threads.
        /// The addresses of a server's host, or why there are none.
        case resolved(server: UInt64, Result<[SocketAddress], ResolveError>)
        /// The addresses of a process that a cancel request is forwarded to, or why there are
        /// none.
        case forwardResolved(UInt64, Result<[SocketAddress], ResolveError>)
        /// A board has been read, and may say now where a cancel request belongs.
        case boardRead(search: UInt64)
        /// A client's password work is done.
        case clientDerived(client: UInt64, PasswordDerivation.Result)
        /// A server's password work is done.
        case serverDerived(server: UInt64, PasswordDerivation.Result)

        // From worker to worker: clients.
        /// All workers are there; this is how to reach them.
        case peers([Mailbox<WorkerMessage>])
        /// A new client, by its descriptor.
        case accepted(Int32)
        /// A client of the console.
        case consoleClient(ConsoleTransfer)
        /// A client has come with the key of one that is here.
        case cancel(CancelKey, CancelRequester)
        /// The cancel request that a client has brought is over.
        case cancelEnded(ClientID)

        // Servers.
        /// A worker has clients that want a server of this pool.
        case wanted(PoolID, by: Int)
        /// There are no idle servers of this pool.
        case unmet(PoolID)
        /// A server, and all that is known of it.
        case server(ServerTransfer)
        /// A slot is free, or a server could be evicted for who has none.
        case roomFreed
        /// What the fleet allows has changed.
        case standingChanged
        /// A pool of another worker wants a slot, so that an idle server of another pool must go.
        case evict(for: PoolID, demand: Int, hosts: [Int])
        /// Likewise where clients of the pool want connections of their own.
        case evictForDedicated(PoolID, demand: Int)
        /// It is known what clients of this pool are greeted with.
        case greeted(PoolID)
        /// Who waits for a server of this pool is told why there will be none.
        case refuseAll(PoolID, ErrorFields)

        /// It has become known how many connections PostgreSQL servers take.
        case capacitiesChanged

        // What the first worker orders.
        case order(Order)
        /// A worker has done what it was ordered.
        case done(ticket: Int, wasFound: Bool)
        /// A copy of the worker's state is wanted.
        case report(ticket: Int, Snapshot.Parts)
        case reported(ticket: Int, WorkerReport)
        /// A setting has been changed by SET.
        case settings(Settings)
        /// The configuration has been read again.
        case reloaded(SettingsChange)
        /// Users have changed.
        case users(UserList)
        /// An automatic database was made or forgotten, or is used again.
        case databaseChanged(String)
        /// The worker has nothing left that the process's end waits for.
        case drained(worker: Int, Worker.Ending)
        /// Something has changed that a command may wait for: slots are free.
        case look
        /// The process ends.
        case stop
    }
}

/// What a signal asks for.
public enum WorkerSignal: Sendable {
    /// HUP.
    case reload
    /// TERM: end when the last client has gone.
    case drainClients
    /// INT: end when the servers are free.
    case drainServers
    /// QUIT.
    case quit
    /// USR1.
    case pause
    /// USR2.
    case resume
}
