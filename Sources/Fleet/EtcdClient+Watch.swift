internal import AsyncHTTPClient
internal import FoundationEssentials
internal import NIOCore
internal import NIOHTTP1
internal import Pooling

extension EtcdClient {
    /// The most that one message may have, in bytes.
    private static let longestMessage = 4 << 20

    /// Hears of what happens to one key, from the endpoint that answers now, until that fails or
    /// `isEnough` says so.
    func watch(
        _ watch: EtcdWatch,
        until isEnough: (EtcdWatch.Answer) -> Bool
    ) async throws(EtcdError) {
        let endpoint = self.endpoint
        do {
            try await self.watch(watch, at: endpoint, until: isEnough)
        } catch let error as EtcdError {
            if error.isAboutToken { self.forgetToken() }
            if case .unreachable = error { self.leave(endpoint) }
            throw error
        } catch {
            throw Self.failure(error, at: endpoint)
        }
    }

    private func watch(
        _ watch: EtcdWatch,
        at endpoint: String,
        until isEnough: (EtcdWatch.Answer) -> Bool
    ) async throws {
        let token = try await self.token(from: endpoint, deadline: BootClock.now + Self.patience)
        let body = ByteBuffer(bytes: try EtcdJSON.value(watch))
        let request = Self.request(endpoint + "/v3/watch", body, token)
        let response: HTTPClientResponse
        do {
            response = try await self.http.execute(request, timeout: .nanoseconds(Self.patience))
        } catch {
            throw Self.failure(error, at: endpoint)
        }
        guard response.status == .ok else {
            let answer = try await response.body.collect(upTo: Self.longestMessage)
            throw Self.refusal(response.status.code, answer, at: endpoint)
        }
        var rest = ByteBuffer()
        for try await var chunk in response.body {
            rest.writeBuffer(&chunk)
            while let line = rest.readLine() {
                let message: EtcdStreamed<EtcdWatch.Answer> =
                    try EtcdJSON.answer(line.readableBytesView, of: endpoint)
                if isEnough(message.answer) { return }
                guard let end = message.answer.end else { continue }
                // etcd says "permission denied" also of a token that it does not know any more.
                if end.hasSuffix("denied") { self.forgetToken() }
                throw EtcdError.refused(code: 1, "etcd at \(endpoint): \(end)")
            }
            rest.discardReadBytes()
            guard rest.readableBytes <= Self.longestMessage else {
                throw EtcdError.unusable("etcd at \(endpoint): a message of more than 4 MiB")
            }
        }
        throw EtcdError.unanswered("etcd at \(endpoint): the watch has ended")
    }
}

extension ByteBuffer {
    /// Takes a line without its end; nil if there is no whole one.
    fileprivate mutating func readLine() -> ByteBuffer? {
        guard let end = self.readableBytesView.firstIndex(of: UInt8(ascii: "\n")) else {
            return nil
        }
        let line = self.readSlice(length: end - self.readerIndex)
        self.moveReaderIndex(forwardBy: 1)
        return line
    }
}
