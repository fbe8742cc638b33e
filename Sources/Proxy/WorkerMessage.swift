public import Auth
public import Reactor

/// What other threads tell a worker.
public enum WorkerMessage: Sendable {
    /// A signal's meaning.
    case signal(WorkerSignal)
    /// The addresses of a server's host, or why there are none.
    case resolved(server: UInt64, Result<[SocketAddress], ResolveError>)
    /// A client's password work is done.
    case clientDerived(client: UInt64, PasswordDerivation.Result)
    /// A server's password work is done.
    case serverDerived(server: UInt64, PasswordDerivation.Result)
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
