internal import AsyncHTTPClient
internal import Locking
internal import NIOCore
internal import NIOSSL
internal import Pooling

/// etcd's JSON gateway: one request, one answer, from whichever endpoint answers.
final class EtcdClient: Sendable {
    /// How long one endpoint may take for one answer.
    static let patience: Nanoseconds = 1_000_000_000
    /// How long all endpoints together may take.
    static let longestPatience: Nanoseconds = 2_000_000_000
    /// How long an endpoint may take to accept a connection.
    private static let connectPatience: Nanoseconds = 500_000_000

    /// What changes as requests succeed and fail.
    private struct State {
        /// Which endpoint is asked.
        var place = 0
        /// What the last authentication has given.
        var token: String?
    }

    /// The endpoints, without a slash at their ends.
    let endpoints: [String]
    let login: EtcdLogin?
    let http: HTTPClient
    private let state = Locked(State())

    /// Reads the files that the settings name; connects to nothing.
    ///
    /// - Throws: `EtcdError.unusable`.
    init(_ settings: EtcdSettings) throws(EtcdError) {
        self.endpoints = try Self.endpoints(settings)
        self.login = settings.user.map { EtcdLogin(name: $0, password: settings.password ?? "") }
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: try Self.encryption(settings),
            redirectConfiguration: .disallow,
            timeout: .init(connect: .nanoseconds(Self.connectPatience))
        )
        configuration.httpVersion = .http1Only
        // Where one endpoint refuses, the next is asked at once.
        configuration.connectionPool.retryConnectionEstablishment = false
        self.http = HTTPClient(eventLoopGroup: EtcdLoop.shared.group, configuration: configuration)
    }

    static func endpoints(_ settings: EtcdSettings) throws(EtcdError) -> [String] {
        let endpoints = try settings.endpoints.map { text throws(EtcdError) in
            let endpoint = String(text.reversed().drop { $0 == "/" }.reversed())
            guard endpoint.hasPrefix("http://") || endpoint.hasPrefix("https://") else {
                throw .unusable("etcd: \(text) does not begin with http:// or https://")
            }
            return endpoint
        }
        guard !endpoints.isEmpty else { throw .unusable("etcd: no endpoint is set") }
        return endpoints
    }

    static func encryption(_ settings: EtcdSettings) throws(EtcdError) -> TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        var file = ""
        do {
            if let caFile = settings.caFile {
                file = caFile
                configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(caFile))
            }
            if let certificateFile = settings.certificateFile {
                file = certificateFile
                let chain = try NIOSSLCertificate.fromPEMFile(certificateFile)
                configuration.certificateChain = chain.map { .certificate($0) }
            }
            if let keyFile = settings.keyFile {
                file = keyFile
                let key = try NIOSSLPrivateKey(file: keyFile, format: .pem)
                configuration.privateKey = .privateKey(key)
            }
        } catch {
            throw .unusable("etcd: \(file) cannot be used: \(error)")
        }
        return configuration
    }

    /// Ends all requests and closes all connections.
    func shutDown() async { try? await self.http.shutdown() }

    // MARK: Endpoints

    /// The endpoint that is asked next.
    var endpoint: String { self.endpoints[self.place] }

    private var place: Int { self.state.withLock { $0.place } }

    /// Asks the next endpoint from now on, unless somebody has seen to that already.
    func leave(_ endpoint: String) {
        self.state.withLock { state in
            guard self.endpoints[state.place] == endpoint else { return }
            state.place = (state.place + 1) % self.endpoints.count
        }
    }

    // MARK: Tokens

    /// The token to go with a request; nil where no user is set.
    func token(from endpoint: String, deadline: Instant) async throws(EtcdError) -> String? {
        guard let login = self.login else { return nil }
        if let token = self.state.withLock({ $0.token }) { return token }
        let body = try EtcdJSON.value(login)
        let answer: EtcdLogin.Answer = try await self.ask(
            endpoint,
            "/v3/auth/authenticate",
            ByteBuffer(bytes: body),
            token: nil,
            deadline
        )
        self.state.withLock { $0.token = answer.token }
        return answer.token
    }

    /// Gets another token before the next request.
    func forgetToken() { self.state.withLock { $0.token = nil } }
}
