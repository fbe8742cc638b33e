internal import AsyncHTTPClient
internal import FoundationEssentials
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL
internal import Pooling

extension EtcdClient {
    /// The most that an answer may have, in bytes: a board of many thousand members.
    private static let longestAnswer = 64 << 20

    // MARK: What is asked

    /// Does a transaction.
    ///
    /// - Parameter isRepeatable: whether it may be sent again where nobody knows whether it was
    ///   carried out, and may be carried out late. Reading may.
    func commit(
        _ transaction: EtcdTransaction,
        isRepeatable: Bool
    ) async throws(EtcdError) -> EtcdTransaction.Answer {
        try await self.call("/v3/kv/txn", transaction, isRepeatable: isRepeatable)
    }

    /// Gets a lease.
    func grant(seconds: Int64) async throws(EtcdError) -> EtcdLease.Answer {
        let wish = EtcdLease.Grant(seconds: EtcdNumber(seconds))
        return try await self.call("/v3/lease/grant", wish, isRepeatable: true)
    }

    /// Renews a lease.
    ///
    /// - Returns: for how many seconds it lives; 0 if there is no such lease any more.
    func renew(_ lease: Int64) async throws(EtcdError) -> Int64 {
        let name = EtcdLease.Name(lease: EtcdNumber(lease))
        let answer: EtcdStreamed<EtcdLease.Answer> =
            try await self.call("/v3/lease/keepalive", name, isRepeatable: true)
        return answer.answer.seconds?.value ?? 0
    }

    /// Ends a lease, and with it all that hangs on it.
    func revoke(_ lease: Int64) async throws(EtcdError) {
        let name = EtcdLease.Name(lease: EtcdNumber(lease))
        let _: EtcdNothing = try await self.call("/v3/lease/revoke", name, isRepeatable: true)
    }

    // MARK: How it is asked

    /// Asks one endpoint after the other until one answers.
    func call<Answer: Decodable & Sendable>(
        _ path: String,
        _ request: some Encodable,
        isRepeatable: Bool
    ) async throws(EtcdError) -> Answer {
        let body = ByteBuffer(bytes: try EtcdJSON.value(request))
        let deadline = BootClock.now + Self.longestPatience
        var failures: [String] = []
        var hasNewToken = false
        var tries = 0
        while true {
            let endpoint = self.endpoint
            do throws(EtcdError) {
                let token = try await self.token(from: endpoint, deadline: deadline)
                return try await self.ask(endpoint, path, body, token: token, deadline)
            } catch {
                if error.isAboutToken, self.login != nil, !hasNewToken {
                    hasNewToken = true
                    self.forgetToken()
                    continue
                }
                switch error {
                case .refused, .unusable: throw error
                case .unreachable: self.leave(endpoint)
                case .unanswered:
                    self.leave(endpoint)
                    guard isRepeatable else { throw error }
                }
                if !failures.contains(error.description) { failures.append(error.description) }
            }
            hasNewToken = false
            tries += 1
            guard tries < self.endpoints.count, !Task.isCancelled, BootClock.now < deadline else {
                throw .unanswered(failures.joined(separator: "; "))
            }
        }
    }

    /// Asks one endpoint once.
    func ask<Answer: Decodable & Sendable>(
        _ endpoint: String,
        _ path: String,
        _ body: ByteBuffer,
        token: String?,
        _ deadline: Instant
    ) async throws(EtcdError) -> Answer {
        let request = Self.request(endpoint + path, body, token)
        let pause = min(Self.patience, deadline - BootClock.now)
        let result = await withTaskGroup(of: Result<(UInt, ByteBuffer), EtcdError>.self) { group in
            group.addTask {
                do {
                    let response = try await self.http.execute(
                        request,
                        timeout: .nanoseconds(pause)
                    )
                    let body = try await response.body.collect(upTo: Self.longestAnswer)
                    return .success((response.status.code, body))
                } catch {
                    return .failure(Self.failure(error, at: endpoint))
                }
            }
            group.addTask {
                await EtcdLoop.shared.sleep(pause)
                return .failure(.unanswered("etcd at \(endpoint): no answer in time"))
            }
            let first = await group.next()
            group.cancelAll()
            return first ?? .failure(.unanswered("etcd at \(endpoint): no answer"))
        }
        let (status, answer) = try result.get()
        if status == 200 { return try EtcdJSON.answer(answer.readableBytesView, of: endpoint) }
        throw Self.refusal(status, answer, at: endpoint)
    }

    static func request(_ url: String, _ body: ByteBuffer, _ token: String?) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/json")
        if let token { request.headers.add(name: "Authorization", value: token) }
        request.body = .bytes(body)
        return request
    }

    /// What etcd's "no" means.
    static func refusal(_ status: UInt, _ answer: ByteBuffer, at endpoint: String) -> EtcdError {
        let bytes = Data(answer.readableBytesView)
        guard let refusal = try? JSONDecoder().decode(EtcdRefusal.self, from: bytes) else {
            return .unanswered("etcd at \(endpoint): HTTP status \(status)")
        }
        return refusal.error(at: endpoint)
    }

    /// What a failure means: whether the request can have been carried out.
    static func failure(_ error: any Error, at endpoint: String) -> EtcdError {
        let start = "etcd at \(endpoint): "
        switch error {
        case let error as NIOConnectionError:
            let reasons = error.connectionErrors.map { "\($0.error)" }
            let names = [error.dnsAError, error.dnsAAAAError].compactMap { $0.map { "\($0)" } }
            return .unreachable(start + (reasons + names).joined(separator: ", "))
        case let error as HTTPClientError:
            switch error {
            case .connectTimeout, .getConnectionFromPoolTimeout:
                return .unreachable(start + "cannot be reached in time")
            case .tlsHandshakeTimeout: return .unreachable(start + "no encryption in time")
            case .deadlineExceeded: return .unanswered(start + "no answer in time")
            default: return .unanswered(start + error.description)
            }
        case NIOSSLError.handshakeFailed(let reason):
            return .unreachable(start + "no encryption: \(reason)")
        case let error as NIOSSLExtraError:
            return .unreachable(start + "no encryption: \(error)")
        default:
            return .unanswered(start + "\(error)")
        }
    }
}
