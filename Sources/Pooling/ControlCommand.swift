public import Wire

/// A command of the admin console that changes something, already parsed and permitted.
///
/// The console decides what was asked and whether the asker may; the shell carries it out and
/// answers with `AdminConsole.completion(of:outcome:)` when it is done, which for `pause` or
/// `waitClose` may be long after. Database names are as typed; the console's own database never
/// appears here, since the console refuses it by itself.
public enum ControlCommand: Equatable, Sendable {
    /// How far `shutdown` waits.
    public enum ShutdownMode: Equatable, Sendable {
        /// Exit now; the asker's connection just closes.
        case immediate
        /// Accept nobody, drop waiting clients, exit when no server connection is in use.
        case waitForServers
        /// Accept nobody, exit when the last client has gone.
        case waitForClients
    }

    /// Let servers go as they are released, assign none; done when all have gone. nil: every
    /// database.
    case pause(database: String?)
    /// End PAUSE, KILL or SUSPEND. nil: all of them, paused databases included.
    case resume(database: String?)
    /// Flush buffers and stop reading; done when all is flushed.
    case suspend
    /// Refuse new logins to a database.
    case disable(database: String)
    /// Accept new logins to a database again.
    case enable(database: String)
    /// Replace server connections as they come free; done at once. nil: every database.
    case reconnect(database: String?)
    /// Done when no server connection is left that RECONNECT or a reload marked. nil: every
    /// database.
    case waitClose(database: String?)
    /// Drop clients and servers and leave the database paused. nil: every database.
    case kill(database: String?)
    /// Drop the client with this `Snapshot.Connection.id`.
    case killClient(id: Int64)
    /// Read the configuration files again.
    case reload
    /// Change one setting while running. `key` is in lower case.
    case set(key: String, value: String)
    /// End the process.
    case shutdown(ShutdownMode)
}

/// How a `ControlCommand` went.
public enum ControlOutcome: Equatable, Sendable {
    /// Done.
    case success
    /// Done, with something to tell; the severity should be `notice` or `warning`.
    case notice(ErrorFields)
    /// Not done. The console's session goes on, so the severity is `error`.
    case failure(ErrorFields)

    /// Not done, for a usual reason.
    public static func refused(_ reason: ControlRefusal) -> ControlOutcome {
        .failure(reason.fields)
    }
}

/// The usual reasons against a `ControlCommand`, in PgBouncer's words, since scripts compare them.
public enum ControlRefusal: Error, Equatable, Sendable {
    /// PAUSE, SUSPEND or KILL while one of them is on.
    case alreadyPaused
    /// RESUME with nothing to resume.
    case notPaused
    /// RESUME of a database that is not paused.
    case databaseNotPaused(String)
    /// The database is neither declared nor made from `*`.
    case noSuchDatabase(String)
    /// SUSPEND while single databases are paused.
    case pausedDatabases
    /// RESUME during a shutdown.
    case shuttingDown
    /// KILL_CLIENT of an ID that no client has.
    case clientNotFound
    /// RELOAD of files that cannot be right; nothing has changed.
    case reloadFailed(reason: String)
    /// SET of an unknown key or with a value that the key cannot have.
    case setFailed(reason: String)
    /// SET of a key that is read at start only.
    case notChangeable(key: String)
    /// The asker cancelled the command while it was waiting; a PAUSE is undone.
    case canceled

    /// What the asker is told.
    public var fields: ErrorFields {
        switch self {
        case .alreadyPaused: Self.error("already suspended/paused")
        case .notPaused: Self.error("pooler is not paused/suspended")
        case .databaseNotPaused(let name): Self.error("database \(name) is not paused")
        case .noSuchDatabase(let name): Self.error("no such database: \(name)")
        case .pausedDatabases: Self.error("cannot suspend with paused databases")
        case .shuttingDown: Self.error("pooler is shutting down")
        case .clientNotFound: Self.error("client not found")
        case .reloadFailed(let reason):
            ErrorFields(
                .error,
                .configurationFileError,
                "RELOAD failed, see logs for additional details",
                detail: reason
            )
        case .setFailed(let reason): Self.error("SET failed: \(reason)")
        case .notChangeable(let key):
            ErrorFields(
                .error,
                .protocolViolation,
                "SET failed: \(key) cannot be changed while running",
                hint: "Change it in the configuration file and restart."
            )
        case .canceled:
            ErrorFields(.error, .queryCanceled, "canceling statement due to user request")
        }
    }

    private static func error(_ message: String) -> ErrorFields {
        ErrorFields(.error, .protocolViolation, message)
    }
}

/// What becomes of one Query message on the admin console.
public enum ConsoleAnswer: Equatable, Sendable {
    /// The whole answer, ReadyForQuery included.
    case reply([UInt8])
    /// Something to do first; `AdminConsole.completion(of:outcome:)` has the answer afterwards.
    case control(ControlCommand)
}
