import Pooling
import Wire

/// A server as the pooler of the simulation knows it.
final class PooledServer {
    enum Phase { case ready, recovering, closed }

    /// What the pooler itself has asked of it.
    enum Own: Equatable {
        case none
        case recovery(ServerSession.Recovery)
        case healing
    }

    let number: Int
    let backend: PostgresSession
    var phase = Phase.ready
    var session = ServerSession()
    var exchange = StatementExchange()
    var record = BatchRecord()
    var client: PooledClient?
    var own = Own.none
    var ownFailed = false
    /// What the client is told when the requests fail that were sent to fail, and for which
    /// message.
    var refusals: [(fields: ErrorFields, tag: Int)] = []
    /// An error in other words than the server's.
    var rewritten: String?
    /// It could not tell what parameters there are, which the client is to hear before a refusal.
    var hasLostCopy = false
    var isMidMessage = false

    init(number: Int, backend: PostgresSession, limit: Int) {
        self.number = number
        self.backend = backend
        self.exchange.limit = limit
    }
}
