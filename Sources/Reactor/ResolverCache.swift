/// What is known about names, and who waits for which. A value: time is an argument.
struct ResolverCache {
    typealias Answer = Result<[SocketAddress], ResolveError>

    struct Waiter: Sendable {
        let port: UInt16
        let reply: Resolver.Reply
    }

    /// What to do for someone who asks.
    enum AskAction {
        case answer(Answer)
        /// Somebody has asked; the waiter is noted.
        case wait
        /// Nobody has; the waiter is noted, look it up.
        case lookUp
        /// Too many wait.
        case refuse
    }

    /// Callers that may wait for one name: more than a process has server connections under
    /// way to one host.
    static let maxWaiters = 4096

    private struct Known {
        var answer: Answer
        var expires: Int64
    }

    private let positiveTTL: Int64
    private let negativeTTL: Int64
    private let maxHosts: Int
    private var known: [String: Known] = [:]
    private var waiting: [String: [Waiter]] = [:]

    init(positiveTTL: Int64, negativeTTL: Int64, maxHosts: Int) {
        self.positiveTTL = positiveTTL
        self.negativeTTL = negativeTTL
        self.maxHosts = max(maxHosts, 1)
    }

    mutating func ask(_ host: String, now: Int64, _ waiter: Waiter) -> AskAction {
        if let known = self.known[host], known.expires > now {
            return .answer(known.answer)
        }
        guard let waiters = self.waiting[host] else {
            if self.waiting.count >= self.maxHosts {
                return .refuse
            }
            self.waiting[host] = [waiter]
            return .lookUp
        }
        if waiters.count >= Self.maxWaiters {
            return .refuse
        }
        self.waiting[host]?.append(waiter)
        return .wait
    }

    /// Keeps an answer, as of the time that it was asked for, and returns who waits for it.
    mutating func answered(
        _ host: String,
        _ answer: Answer,
        now: Int64,
        isKept: Bool
    ) -> [Waiter] {
        if isKept {
            self.makeRoom(for: host, now: now)
            let isPositive = (try? answer.get()) != nil
            let (expires, isTooFar) = now.addingReportingOverflow(
                isPositive ? self.positiveTTL : self.negativeTTL
            )
            self.known[host] = Known(answer: answer, expires: isTooFar ? .max : expires)
        }
        return self.waiting.removeValue(forKey: host) ?? []
    }

    private mutating func makeRoom(for host: String, now: Int64) {
        if self.known.count < self.maxHosts || self.known[host] != nil {
            return
        }
        self.known = self.known.filter { $0.value.expires > now }
        if self.known.count >= self.maxHosts,
            let first = self.known.min(by: { $0.value.expires < $1.value.expires })
        {
            self.known[first.key] = nil
        }
    }

    func snapshot(now: Int64) -> [Resolver.Entry] {
        self.known.filter { $0.value.expires > now }
            .map { host, known in
                Resolver.Entry(
                    hostname: host,
                    ttl: (known.expires - now) / 1_000_000_000,
                    addresses: (try? known.answer.get()) ?? []
                )
            }
            .sorted { $0.hostname < $1.hostname }
    }

    mutating func flush() {
        self.known = [:]
    }
}
