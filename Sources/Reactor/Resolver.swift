import Locking

/// Turns host names into addresses on helper threads, with a cache.
///
/// Look-ups of one name that is being looked up already share its answer. Addresses, paths
/// and `@names` never reach the name service.
public final class Resolver: Sendable {
    /// Answers a look-up; called at once from the cache, else on a helper thread.
    public typealias Reply = @Sendable (Result<[SocketAddress], ResolveError>) -> Void
    /// Asks the name service and waits for its answer.
    typealias Lookup = @Sendable (String) -> Result<[SocketAddress], ResolveError>

    private let threads: HelperThreads
    private let cache: Locked<ResolverCache>
    private let lookup: Lookup

    /// - Parameters:
    ///   - threads: Where look-ups run.
    ///   - positiveTTL: Nanoseconds for which addresses are kept.
    ///   - negativeTTL: Nanoseconds for which a failure is kept.
    ///   - maxHosts: Names kept; the one that expires first makes room.
    public convenience init(
        threads: HelperThreads,
        positiveTTL: Int64,
        negativeTTL: Int64,
        maxHosts: Int = 4096
    ) {
        self.init(
            threads: threads,
            cache: ResolverCache(
                positiveTTL: positiveTTL,
                negativeTTL: negativeTTL,
                maxHosts: maxHosts
            ),
            lookup: { NameService.addresses(of: $0) }
        )
    }

    init(threads: HelperThreads, cache: ResolverCache, lookup: @escaping Lookup) {
        self.threads = threads
        self.cache = Locked(cache)
        self.lookup = lookup
    }

    /// Looks a name up and waits for the answer: for the addresses to listen on, before anybody is
    /// served.
    public static func addressesNow(of host: String) throws(ReactorError) -> [SocketAddress] {
        switch NameService.addresses(of: host) {
        case .success(let addresses): return addresses
        case .failure(let error): throw .unknownHost(error)
        }
    }

    /// Finds the addresses of `host` with `port`.
    ///
    /// - Parameters:
    ///   - host: A name, an address, or the directory (or `@name`) of a Unix socket.
    ///   - now: The time on the loop's clock, in nanoseconds.
    ///   - reply: Called exactly once, unless the helper threads are shut down first.
    public func resolve(
        host: String,
        port: UInt16,
        now: Int64,
        reply: @escaping Reply
    ) {
        if let known = Self.literal(host, port) {
            reply(known)
            return
        }
        let waiter = ResolverCache.Waiter(port: port, reply: reply)
        switch self.cache.withLock({ $0.ask(host, now: now, waiter) }) {
        case .answer(let result):
            reply(result.map { $0.map { $0.withPort(port) } })
        case .wait:
            break
        case .refuse:
            reply(.failure(.busy(host: host)))
        case .lookUp:
            self.start(host, now: now)
        }
    }

    /// One name that is in the cache.
    public struct Entry: Equatable, Sendable {
        /// The name that was looked up.
        public let hostname: String
        /// Seconds until it is looked up again.
        public let ttl: Int64
        /// Its addresses, with port 0; none if the look-up failed.
        public let addresses: [SocketAddress]
    }

    /// What is in the cache, sorted by name.
    public func snapshot(now: Int64 = EventLoop.clock()) -> [Entry] {
        self.cache.withLock { $0.snapshot(now: now) }
    }

    /// Forgets every answer, so that names are looked up anew (RECONNECT, RELOAD).
    public func flush() {
        self.cache.withLock { $0.flush() }
    }

    private func start(_ host: String, now: Int64) {
        let isTaken = self.threads.submit {
            self.finish(host, self.lookup(host), now: now, isKept: true)
        }
        if !isTaken {
            self.finish(host, .failure(.busy(host: host)), now: now, isKept: false)
        }
    }

    private func finish(
        _ host: String,
        _ result: Result<[SocketAddress], ResolveError>,
        now: Int64,
        isKept: Bool
    ) {
        let waiters = self.cache.withLock { cache in
            cache.answered(host, result, now: now, isKept: isKept)
        }
        for waiter in waiters {
            waiter.reply(result.map { $0.map { $0.withPort(waiter.port) } })
        }
    }

    /// The answer for what needs no look-up.
    private static func literal(
        _ host: String,
        _ port: UInt16
    ) -> Result<[SocketAddress], ResolveError>? {
        if host.hasPrefix("/") || host.hasPrefix("@") {
            let path = "\(host)/.s.PGSQL.\(port)"
            let address = SocketAddress.unix(path: path)
            return address.fits ? .success([address]) : .failure(.pathTooLong(path))
        }
        return SocketAddress(host: host, port: port).map { .success([$0]) }
    }
}
