/// Why an event loop or a listener could not be made.
public enum ReactorError: Error, Equatable, Sendable, CustomStringConvertible {
    /// io_uring was asked for by name and the kernel refuses it; the text names the cause.
    case ioUringUnavailable(String)
    /// A system call failed.
    case system(call: String, errno: Int32)
    /// The address is in use by somebody who answers.
    case addressInUse(SocketAddress)
    /// The path does not fit into a socket address (107 bytes).
    case pathTooLong(String)
    /// A name to listen on has no addresses.
    case unknownHost(ResolveError)
    /// The loop has as many listeners as `ReactorLimits.maxListeners`.
    case tooManyListeners

    /// A sentence for the log.
    public var description: String {
        switch self {
        case .ioUringUnavailable(let reason):
            "io_uring is not available: \(reason)"
        case .system(let call, let errno):
            "\(call): \(Syscalls.message(for: errno))"
        case .addressInUse(let address):
            "\(address) is in use"
        case .pathTooLong(let path):
            "socket path is longer than 107 bytes: \(path)"
        case .unknownHost(let error):
            error.description
        case .tooManyListeners:
            "too many listening addresses"
        }
    }
}
