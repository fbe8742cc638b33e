import Wire

/// Every request of a simulation by its number, which travels in the message's body and comes back
/// in each reply.
struct RequestBook {
    /// The requests.
    private(set) var requests: [BackendRequest] = []
    /// Which client asked.
    private(set) var askers: [Int] = []

    /// Enters a request; returns it with its number.
    mutating func enter(_ request: BackendRequest, by client: Int) -> BackendRequest {
        var request = request
        request.tag = self.requests.count
        self.requests.append(request)
        self.askers.append(client)
        return request
    }

    /// The bytes of a request, with `padding` bytes behind its number.
    static func bytes(_ request: BackendRequest, padding: Int) -> [UInt8] {
        var body: [UInt8] = []
        if request.kind == .describe || request.kind == .close {
            body.append(request.describesPortal ? UInt8(ascii: "P") : UInt8(ascii: "S"))
        }
        body += Array("#\(request.tag) ".utf8) + [UInt8](repeating: 0x78, count: padding) + [0]
        return RawMessage(request.kind.rawValue, body).bytes
    }

    /// The bytes of a reply.
    static func bytes(_ reply: BackendModel.Reply, padding: Int) -> [UInt8] {
        let tag = Array("#\(reply.tag) ".utf8)
        let body: [UInt8] =
            switch reply.kind {
            case .readyForQuery: [reply.status.rawValue] + tag
            case .error: Array("SERROR\0VERROR\0C22012\0M".utf8) + tag + [0, 0]
            case .parameterStatus: Array("application_name\0v\(reply.tag)\0".utf8)
            default: tag + [UInt8](repeating: 0x79, count: padding)
            }
        return RawMessage(reply.kind.rawValue, body).bytes
    }

    /// The number in a body.
    static func tag(in body: [UInt8]) -> Int? {
        guard let mark = body.firstIndex(of: UInt8(ascii: "#")) else { return nil }
        let digits = body[(mark + 1)...].prefix { $0 >= 0x30 && $0 <= 0x39 }
        return Int(String(decoding: digits, as: UTF8.self))
    }
}
