/// Why etcd has not done what it was asked to do.
public enum EtcdError: Error, Equatable, CustomStringConvertible {
    /// The settings cannot be used, or the answer cannot be read. The text is for people.
    case unusable(String)
    /// The request was never sent. The text is for people.
    case unreachable(String)
    /// The request was sent, and whether it has been carried out is not known. The text is for
    /// people.
    case unanswered(String)
    /// etcd says no: the code as gRPC numbers them, and its words.
    case refused(code: Int, String)

    /// For people.
    public var description: String {
        switch self {
        case .unusable(let text), .unreachable(let text), .unanswered(let text): text
        case .refused(_, let text): text
        }
    }

    /// Whether another token may help: etcd does not know this one (any longer), or wants one.
    var isAboutToken: Bool {
        guard case .refused(let code, let text) = self else { return false }
        return code == 16 || text.hasSuffix("user name is empty")
            || text.hasSuffix("revision of auth store is old")
    }
}
