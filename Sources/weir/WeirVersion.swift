import Reactor

/// What `-V` and the log say about this program.
enum WeirVersion {
    /// Weir's own version.
    static let number = "0.1.0"

    /// The version of PostgreSQL's protocol that clients are spoken to with.
    static let protocolVersion = "3.0"

    /// The lines of `-V`: the program's version, then what it would run on here.
    static var lines: [String] { ["Weir \(self.number)", "event engine: \(self.eventEngine)"] }

    private static var eventEngine: String {
        do throws(ReactorError) {
            // The only way to know what the kernel allows is to ask for it.
            let loop = try EventLoop(engine: .automatic)
            let reason = loop.fallbackReason.map { " (no io_uring: \($0))" } ?? ""
            return loop.engine.rawValue + reason
        } catch {
            return "none: \(error)"
        }
    }
}
