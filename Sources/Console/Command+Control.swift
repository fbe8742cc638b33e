import Pooling

/// The commands that change something.
extension Command {
    /// The verbs of `ControlCommand`, in lower case; SET is apart.
    private enum Verb: String {
        case pause
        case resume
        case suspend
        case disable
        case enable
        case reconnect
        case waitClose = "wait_close"
        case kill
        case killClient = "kill_client"
        case reload
        case shutdown
    }

    /// The control command `name`, which is in lower case, with its argument.
    static func control(
        _ name: String,
        _ argument: String?,
        _ access: ConsoleAccess,
        _ text: String
    ) throws(CommandError) -> ControlCommand {
        guard let verb = Verb(rawValue: name) else { throw .invalid(text) }
        guard access == .admin else { throw .noAccess }
        switch verb {
        case .pause: return .pause(database: try Self.real(argument, "pause"))
        case .resume:
            if let argument, ConsoleDatabase.names.contains(argument) {
                throw .consoleNotPaused(name: argument)
            }
            return .resume(database: argument)
        case .disable: return .disable(database: try Self.required(argument, "disable"))
        case .enable: return .enable(database: try Self.required(argument, "enable"))
        case .reconnect: return .reconnect(database: try Self.real(argument, "reconnect"))
        case .waitClose: return .waitClose(database: try Self.real(argument, "wait in"))
        case .kill: return .kill(database: try Self.real(argument, "kill"))
        case .killClient: return .killClient(id: try Self.clientID(argument))
        case .shutdown: return .shutdown(try Self.shutdownMode(argument, text))
        case .suspend, .reload:
            guard argument == nil else { throw .invalid(text) }
            return verb == .suspend ? .suspend : .reload
        }
    }

    /// The database named, if any, which must not be the console's own.
    private static func real(_ name: String?, _ verb: String) throws(CommandError) -> String? {
        if let name, ConsoleDatabase.names.contains(name) {
            throw .consoleDatabase(verb: verb, name: name)
        }
        return name
    }

    private static func required(_ name: String?, _ verb: String) throws(CommandError) -> String {
        guard let name = try Self.real(name, verb) else { throw .databaseRequired }
        return name
    }

    /// Digits only: neither a sign nor the `0x…` of the `ptr` column.
    private static func clientID(_ argument: String?) throws(CommandError) -> Int64 {
        guard let argument,
            argument.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let id = Int64(argument)
        else { throw .invalidClient }
        return id
    }

    private static func shutdownMode(
        _ argument: String?,
        _ text: String
    ) throws(CommandError) -> ControlCommand.ShutdownMode {
        switch argument?.lowercased() {
        case nil: .immediate
        case "wait_for_servers": .waitForServers
        case "wait_for_clients": .waitForClients
        case .some: throw .invalid(text)
        }
    }
}
