import Console
import Pooling

extension AdminConsole {
    /// The console that the tests ask.
    static let tested = AdminConsole(version: "0.1.0")

    /// Asks for a reply and decodes it.
    static func ask(
        _ query: String,
        as access: ConsoleAccess = .admin,
        _ snapshot: Snapshot = .quiet
    ) throws -> ReceivedReply {
        try ReceivedReply(Self.tested.answer(query, access: access) { snapshot })
    }
}

extension Snapshot {
    /// A process that does nothing.
    static let quiet = Snapshot(
        now: 1_800_000_000_000_000,
        state: .active,
        eventEngine: "epoll",
        listenPort: 6432,
        consoleClients: 1
    )

    /// `quiet` with changes.
    static func with(_ change: (inout Snapshot) -> Void) -> Snapshot {
        var snapshot = Self.quiet
        change(&snapshot)
        return snapshot
    }
}
