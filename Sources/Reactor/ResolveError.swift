/// Why a host has no address.
public enum ResolveError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The name service says that the name does not exist.
    case notFound(host: String)
    /// The name service could not be asked, or failed.
    case failed(host: String, reason: String)
    /// Too many look-ups are under way.
    case busy(host: String)
    /// A Unix socket's path is longer than the kernel allows.
    case pathTooLong(String)

    /// A sentence for the log and for clients.
    public var description: String {
        switch self {
        case .notFound(let host): "host \"\(host)\" is not known"
        case .failed(let host, let reason): "cannot look up host \"\(host)\": \(reason)"
        case .busy(let host): "cannot look up host \"\(host)\": too many look-ups under way"
        case .pathTooLong(let path): "socket path is longer than 107 bytes: \(path)"
        }
    }
}
