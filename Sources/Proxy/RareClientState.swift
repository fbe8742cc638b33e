import Pooling
import Reactor

/// What few clients have: allocated with the first of it, since a process may have many thousands
/// of clients that do nothing. Nothing that is asked for each message belongs here: reaching it
/// counts a reference.
final class RareClientState {
    fileprivate var unixSocket: SocketAddress?
    fileprivate var startupSettings: [SettingValue] = []
    fileprivate var loginParameters = TrackedParameters.Combination.unknown
    fileprivate var omits: Set<String>?
    fileprivate var pinnedSince: Int64 = 0
    fileprivate var parsingNumber: UInt64 = 0
    fileprivate var console: ConsoleSession?
    fileprivate var dedicated: ServerConnection?
}

/// Read as if each client had it.
extension ClientConnection {
    /// It is there, or is made where a value is more than the usual one.
    private func rare(for isUnusual: Bool) -> RareClientState? {
        if self.rare == nil, isUnusual { self.rare = RareClientState() }
        return self.rare
    }

    /// The Unix socket that it came through; nil on TCP, where its own address says enough.
    var unixSocket: SocketAddress? {
        get { self.rare?.unixSocket }
        set { self.rare(for: newValue != nil)?.unixSocket = newValue }
    }

    /// Of what it has set, what it has asked for when it connected, and gets back by RESET.
    var startupSettings: [SettingValue] {
        get { self.rare?.startupSettings ?? [] }
        set { self.rare(for: !newValue.isEmpty)?.startupSettings = newValue }
    }

    /// Of the settings that servers report, what it has asked for then; `unknown` where that is
    /// nothing.
    var loginParameters: TrackedParameters.Combination {
        get { self.rare?.loginParameters ?? .unknown }
        set { self.rare(for: newValue != .unknown)?.loginParameters = newValue }
    }

    /// What it has set was refused at last; then a statement that sets something of it back may do
    /// without these settings.
    var omits: Set<String>? {
        get { self.rare?.omits }
        set { self.rare(for: newValue != nil)?.omits = newValue }
    }

    /// Wall-clock microseconds since when it keeps its server; 0 for not at all.
    var pinnedSince: Int64 {
        get { self.rare?.pinnedSince ?? 0 }
        set { self.rare(for: newValue != 0)?.pinnedSince = newValue }
    }

    /// Tells apart what this client's texts mean since it has run something suspicious.
    var parsingNumber: UInt64 {
        get { self.rare?.parsingNumber ?? 0 }
        set { self.rare(for: newValue != 0)?.parsingNumber = newValue }
    }

    /// What the console knows of it.
    var console: ConsoleSession? {
        get { self.rare?.console }
        set { self.rare(for: newValue != nil)?.console = newValue }
    }

    /// The server that is being opened for it alone; `server` once it is greeted.
    var dedicated: ServerConnection? {
        get { self.rare?.dedicated }
        set { self.rare(for: newValue != nil)?.dedicated = newValue }
    }
}
