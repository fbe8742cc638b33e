import Foundation
import Locking

@testable import Fleet

/// A real etcd of one or more members on loopback, with its data in a temporary folder.
final class EtcdServer: Sendable {
    /// How it is to be.
    struct Options {
        var members = 1
        /// The folder with `ca.pem`, `server.pem` and `server-key.pem`; nil for no encryption.
        var certificates: String?
        /// Whether clients have to show a certificate.
        var checksClients = false
    }

    static let isInstalled = FileManager.default.isExecutableFile(atPath: "/usr/bin/etcd")
    /// One that tests may share, each with a fleet of its own.
    private static let sharedResult = Result { try EtcdServer() }
    static func shared() throws -> EtcdServer { try Self.sharedResult.get() }

    let endpoints: [String]
    let folder: String
    private let options: Options
    private let arguments: [[String]]
    private let processes: Locked<[Process?]>

    init(_ options: Options = Options()) throws {
        self.options = options
        let folder = NSTemporaryDirectory() + "weir-etcd-\(UUID().uuidString)"
        self.folder = folder
        try FileManager.default.createDirectory(
            atPath: folder,
            withIntermediateDirectories: true
        )
        let scheme = options.certificates == nil ? "http" : "https"
        let endpoints = try (0..<options.members).map { _ in
            "\(scheme)://127.0.0.1:\(try TestPorts.next())"
        }
        let peers = try (0..<options.members).map { _ in
            "http://127.0.0.1:\(try TestPorts.next())"
        }
        let cluster = peers.enumerated().map { "m\($0)=\($1)" }.joined(separator: ",")
        self.endpoints = endpoints
        self.arguments = peers.indices.map { place in
            var arguments = [
                "--name", "m\(place)", "--data-dir", "\(folder)/m\(place)",
                "--listen-client-urls", endpoints[place],
                "--advertise-client-urls", endpoints[place],
                "--listen-peer-urls", peers[place],
                "--initial-advertise-peer-urls", peers[place],
                "--initial-cluster", cluster, "--log-level", "error", "--logger", "zap",
                "--heartbeat-interval", "50", "--election-timeout", "500",
            ]
            if let certificates = options.certificates {
                arguments += ["--cert-file", "\(certificates)/server.pem"]
                arguments += ["--key-file", "\(certificates)/server-key.pem"]
                if options.checksClients {
                    arguments += ["--client-cert-auth", "--trusted-ca-file"]
                    arguments += ["\(certificates)/ca.pem"]
                }
            }
            return arguments
        }
        self.processes = Locked(Array(repeating: nil, count: options.members))
        for place in peers.indices { try self.start(place) }
        try self.waitUntilReady()
    }

    deinit { self.stop() }

    // MARK: Its members

    /// Starts a member that does not run.
    func start(_ place: Int) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/etcd")
        process.arguments = self.arguments[place]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        self.processes.withLock { $0[place] = process }
        // It does not outlive the tests, however those end.
        let guardian = Process()
        guardian.executableURL = URL(fileURLWithPath: "/bin/sh")
        let (own, other) = (getpid(), process.processIdentifier)
        guardian.arguments = [
            "-c",
            """
            while kill -0 \(own) && kill -0 \(other); do sleep 1; done; kill -9 \(other)
            kill -0 \(own) || rm -rf '\(self.folder)'
            """,
        ]
        guardian.standardOutput = FileHandle.nullDevice
        guardian.standardError = FileHandle.nullDevice
        try guardian.run()
    }

    /// Ends a member as a power cut would.
    func kill(_ place: Int) {
        guard let process = self.processes.withLock({ $0[place].take() }) else { return }
        Glibc.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// Stops a member in the middle of everything, or lets it go on: it takes connections and
    /// answers nothing.
    func pause(_ place: Int, _ isPaused: Bool) {
        self.processes.withLock { processes in
            guard let process = processes[place] else { return }
            _ = Glibc.kill(process.processIdentifier, isPaused ? SIGSTOP : SIGCONT)
        }
    }

    /// Ends all members and removes their data.
    func stop() {
        for place in self.endpoints.indices { self.kill(place) }
        try? FileManager.default.removeItem(atPath: self.folder)
    }

    private func waitUntilReady() throws {
        for _ in 0..<100 {
            if (try? self.control("endpoint", "health", timeout: "2s")) != nil { return }
            usleep(100_000)
        }
        throw TestFailure("etcd does not answer")
    }

    // MARK: As an operator

    /// What `etcdctl` says; it fails if that does.
    @discardableResult
    func control(
        _ arguments: String...,
        user: String? = nil,
        timeout: String = "5s"
    ) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/etcdctl")
        var all = ["--endpoints", self.endpoints.joined(separator: ",")]
        all += ["--command-timeout", timeout, "--dial-timeout", timeout]
        if let certificates = self.options.certificates {
            all += ["--cacert", "\(certificates)/ca.pem"]
            all += ["--cert", "\(certificates)/client.pem"]
            all += ["--key", "\(certificates)/client-key.pem"]
        }
        if let user { all += ["--user", user] }
        process.arguments = all + arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw TestFailure("etcdctl \(arguments.joined(separator: " ")) has failed")
        }
        return String(decoding: data, as: UTF8.self)
    }

    /// The keys that begin with `prefix`.
    func keys(_ prefix: String) throws -> [String] {
        let text = try self.control("get", "--prefix", "--keys-only", prefix)
        return text.split(separator: "\n").map { String($0) }
    }
}
