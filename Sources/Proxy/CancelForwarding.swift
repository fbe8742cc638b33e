import Logging
import Pooling
import Reactor
import Settings
import Wire

/// A connection that carries a cancel request to another process, which may have the client that is
/// meant.
final class CancelForward {
    /// All that one request has been forwarded to.
    final class Batch {
        /// Who has brought the request, and hears when all have had it.
        let requester: CancelRequester
        var left: Int

        init(_ requester: CancelRequester, count: Int) {
            self.requester = requester
            self.left = count
        }
    }

    let index: UInt32
    let generation: UInt32
    let batch: Batch
    let request: [UInt8]
    let deadline: Instant
    /// Addresses of the process that have not been tried.
    var addresses: [SocketAddress] = []
    var socket = SocketID.none
    var isSent = false

    init(
        index: UInt32,
        generation: UInt32,
        batch: Batch,
        request: [UInt8],
        deadline: Instant
    ) {
        self.index = index
        self.generation = generation
        self.batch = batch
        self.request = request
        self.deadline = deadline
    }
}

/// A cancel request of which nobody is known who may have handed out its key: it waits for all the
/// boards to be read.
final class CancelSearch {
    let index: UInt32
    let key: CancelKey
    let requester: CancelRequester
    /// Boards that have not been read.
    var left: Int
    /// It goes on without those.
    let deadline: Instant

    init(
        index: UInt32,
        key: CancelKey,
        requester: CancelRequester,
        left: Int,
        deadline: Instant
    ) {
        self.index = index
        self.key = key
        self.requester = requester
        self.left = left
        self.deadline = deadline
    }
}

/// Cancel requests that have come to the wrong process of several behind one address.
///
/// A key says which process has handed it out (`CancelKeys.origin`), and those that may have are
/// asked: the members of the fleet, as the board tells them, and the peers that the configuration
/// names. A forwarded request says that it is one, and is not forwarded again.
extension Worker {
    /// Sends a request to the processes that may have handed out its key; ends it where there is
    /// none.
    ///
    /// - Parameter isRefreshed: the boards have been read for this request.
    func forwardCancel(
        _ key: CancelKey,
        for requester: CancelRequester,
        isRefreshed: Bool = false
    ) {
        let addresses = self.processes(thatMadeKeysOf: CancelKeys.origin(of: key))
        if addresses.isEmpty, !isRefreshed, !self.seats.isEmpty,
            self.searches.count < Self.cancelsMax
        {
            return self.search(key, for: requester)
        }
        guard !addresses.isEmpty, self.forwards.count + addresses.count <= Self.cancelsMax else {
            return self.cancelIsOver(requester)
        }
        let forwarded = CancelKeys.forwarded(key)
        self.writer.removeAll()
        self.writer.cancelRequest(processID: forwarded.processID, secret: forwarded.secret)
        let request = self.writer.bytes
        let batch = CancelForward.Batch(requester, count: addresses.count)
        let limit = self.settings.global.cancelWaitTimeout.nanoseconds
        for address in addresses {
            let forward = self.forwards.insert { index, generation in
                CancelForward(
                    index: index,
                    generation: generation,
                    batch: batch,
                    request: request,
                    deadline: limit == 0 ? .max : self.loop.now + limit
                )
            }
            self.logger.debug("cancel request forwarded to \(address.host):\(address.port)")
            let token = Self.token(forward.index, forward.generation)
            let mailbox = self.mailbox
            self.resolver.resolve(host: address.host, port: address.port, now: self.loop.now) {
                mailbox.post(WorkerMessage(.forwardResolved(token, $0)))
            }
        }
    }

    /// Reads all the boards, since who wants nothing reads them rarely, and goes on.
    private func search(_ key: CancelKey, for requester: CancelRequester) {
        var token: UInt64 = 0
        _ = self.searches.insert { index, generation in
            token = Self.token(index, generation)
            return CancelSearch(
                index: index,
                key: key,
                requester: requester,
                left: self.seats.count,
                deadline: self.loop.now + Self.searchTime
            )
        }
        let mailbox = self.mailbox
        for seat in self.seats.values {
            seat.refresh { [token] in mailbox.post(WorkerMessage(.boardRead(search: token))) }
        }
    }

    /// How long a request waits for the boards: one whose server is gone keeps nobody longer.
    private static let searchTime: Nanoseconds = 1_000_000_000

    /// A board has been read, or cannot be.
    func boardRead(_ token: UInt64) {
        let (index, generation) = Self.place(of: token)
        guard let search = self.searches[index, generation] else { return }
        search.left -= 1
        if search.left == 0 { self.endSearch(search) }
    }

    private func endSearch(_ search: CancelSearch) {
        self.searches.remove(search.index)
        self.forwardCancel(search.key, for: search.requester, isRefreshed: true)
    }

    /// Other processes whose keys look like those of `origin`. A byte is not much, so there may be
    /// several; those that do not know the key do nothing.
    private func processes(thatMadeKeysOf origin: UInt8) -> [(host: String, port: UInt16)] {
        var addresses: Set<String> = []
        for seat in self.seats.values {
            for member in seat.overview.members where !member.isOwn {
                guard UInt8(truncatingIfNeeded: member.entry.member) == origin else { continue }
                addresses.insert(member.address)
            }
        }
        let peers = self.settings.peers.filter { number, _ in
            number != self.settings.global.peerID && UInt8(truncatingIfNeeded: number) == origin
        }
        return addresses.sorted().compactMap { Self.split($0) }
            + peers.sorted { $0.key < $1.key }.map { _, peer in
                (peer.hosts[0], UInt16(truncatingIfNeeded: peer.port))
            }
    }

    /// The peers for the console. PgBouncer leaves out the process itself.
    func peerRows() -> [Snapshot.Peer] {
        self.settings.peers.filter { $0.key != self.settings.global.peerID }.map { number, peer in
            Snapshot.Peer(
                id: number,
                host: peer.hosts.first,
                port: peer.port,
                poolSize: peer.poolSize ?? self.settings.global.defaultPoolSize
            )
        }
    }

    /// Takes `HOST:PORT` apart; nil without a host or a port.
    static func split(_ address: String) -> (host: String, port: UInt16)? {
        guard let colon = address.lastIndex(of: ":"),
            let port = UInt16(address[address.index(after: colon)...])
        else { return nil }
        var host = address[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        return host.isEmpty || port == 0 ? nil : (String(host), port)
    }

    // MARK: Events

    func forwardResolved(_ token: UInt64, _ result: Result<[SocketAddress], ResolveError>) {
        let (index, generation) = Self.place(of: token)
        guard let forward = self.forwards[index, generation] else { return }
        if case .success(let addresses) = result { forward.addresses = addresses }
        self.connectNext(forward)
    }

    /// Tries the next address of the process.
    private func connectNext(_ forward: CancelForward) {
        if forward.socket != .none {
            self.loop.close(forward.socket, flushing: false, isReported: false)
            forward.socket = .none
        }
        guard !forward.addresses.isEmpty else { return self.endForward(forward) }
        forward.socket = self.loop.connect(
            to: forward.addresses.removeFirst(),
            options: self.socketOptions,
            context: Role.forward.token(forward.index)
        )
    }

    func forwardEvent(_ forward: CancelForward, _ completion: Completion) {
        switch completion.kind {
        case .connected:
            forward.isSent = true
            self.send(forward.request, to: forward.socket)
            self.loop.receive(forward.socket)
        case .received:
            self.loop.receive(forward.socket)
        case .endOfFile, .failed:
            // What has had the request has done with it what it can.
            if forward.isSent { self.endForward(forward) } else { self.connectNext(forward) }
        case .accepted, .drained, .closed, .released, .woken:
            break
        }
    }

    /// Gives up what takes too long.
    func expireForwards(now: Instant) {
        for search in self.searches.all where search.deadline <= now { self.endSearch(search) }
        for forward in self.forwards.all where forward.deadline <= now { self.endForward(forward) }
    }

    private func endForward(_ forward: CancelForward) {
        if forward.socket != .none {
            self.loop.close(forward.socket, flushing: false, isReported: false)
        }
        self.forwards.remove(forward.index)
        forward.batch.left -= 1
        if forward.batch.left == 0 { self.cancelIsOver(forward.batch.requester) }
    }
}
