import Pooling
import TestSupport
import Wire

extension Transcript where Value == ReplyLedger {
    func sent(_ request: ReplyLedger.Request, for audience: ReplyLedger.Audience = .client) {
        self.value.sent(request, for: audience)
    }

    func sentAll(_ requests: ReplyLedger.Request...) {
        for request in requests { self.value.sent(request) }
    }

    func received(_ code: UInt8) -> ReplyLedger.Verdict { self.value.received(code) }

    func received(_ kind: BackendKind) -> ReplyLedger.Verdict {
        self.value.received(kind.rawValue)
    }

    /// Judges replies of which each must be forwarded.
    func forwards(_ kinds: BackendKind...) -> Bool {
        kinds.allSatisfy { self.received($0) == .forward }
    }
}
