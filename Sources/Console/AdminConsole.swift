public import Pooling
import Wire

/// The admin console: the database `pgbouncer` (or `weir`), which answers PgBouncer's commands.
///
/// ## Overview
/// A value that turns the text of a Query message into bytes, or into a `ControlCommand` for the
/// shell. What it shows comes from a `Snapshot`; it holds no state and touches none.
///
/// ## Function
/// Columns, types, orders, tags and texts are those of PgBouncer 1.25.2, since exporters,
/// dashboards and scripts read them; what Weir does otherwise is listed in `docs/configuration.md`.
///
/// ## Implementation
/// `Command` understands the text, `ShowTopic` names the tables, and each table is a list of
/// `Field`s in a file `Show….swift`.
public struct AdminConsole: Sendable {
    /// The release of PgBouncer that the console speaks like.
    public static let pgBouncerVersion = "1.25.2"

    /// Weir's own version.
    let version: String

    /// Creates a console for a Weir of this version, like `0.1.0`.
    public init(version: String) {
        self.version = version
    }

    /// What a login is told in ParameterStatus messages. Drivers read the digits of
    /// `server_version`; people read the rest.
    public var loginParameters: [(name: String, value: String)] {
        [
            ("server_version", "\(Self.pgBouncerVersion)/weir"),
            ("client_encoding", "UTF8"),
            ("server_encoding", "UTF8"),
            ("DateStyle", "ISO"),
            ("TimeZone", "GMT"),
            ("standard_conforming_strings", "on"),
            ("is_superuser", "on"),
        ]
    }

    /// Which parts of a snapshot `answer` will read for `query`; nil where it will ask for none.
    ///
    /// For a shell that must collect the snapshot from other threads before it can call `answer`.
    public func parts(neededFor query: String, access: ConsoleAccess) -> Snapshot.Parts? {
        switch try? Command(query, access: access) {
        case .show(.help), .show(.version): nil
        case .show(let topic): topic.parts
        default: nil
        }
    }

    /// Answers one Query message.
    ///
    /// - Parameters:
    ///   - query: the message's text, of any form and length.
    ///   - access: what the asker may do.
    ///   - snapshot: called at most once, and only for a table that needs it.
    public func answer(
        _ query: String,
        access: ConsoleAccess,
        snapshot: () -> Snapshot
    ) -> ConsoleAnswer {
        var writer = MessageWriter()
        do throws(CommandError) {
            switch try Command(query, access: access) {
            case .control(let command): return .control(command)
            case .empty: writer.emptyQuery()
            case .show(let topic):
                self.write(topic, to: &writer, snapshot)
                writer.commandComplete("SHOW")
            case .pretendShow(let parameter):
                parameter.table.write(to: &writer)
                writer.commandComplete("SHOW")
            case .pretendSet:
                writer.notice(ErrorFields(.notice, .success, "SET ignored"))
                writer.commandComplete("SET")
            }
        } catch {
            writer.error(error.fields)
        }
        writer.readyForQuery(.idle)
        return .reply(writer.bytes)
    }

    /// The bytes that end a control command; none after an immediate shutdown, whose connection
    /// just closes.
    public func completion(of command: ControlCommand, outcome: ControlOutcome) -> [UInt8] {
        var writer = MessageWriter()
        switch outcome {
        case .failure(let fields):
            writer.error(fields)
        case .notice(let fields):
            writer.notice(fields)
            guard let tag = command.tag else { return [] }
            writer.commandComplete(tag)
        case .success:
            guard let tag = command.tag else { return [] }
            writer.commandComplete(tag)
        }
        writer.readyForQuery(.idle)
        return writer.bytes
    }

    /// What any message of the extended protocol is answered with; the shell then closes the
    /// connection.
    ///
    /// ReadyForQuery stands between the two errors, as in PgBouncer, so that a driver hands the
    /// first to its caller and does not call it a broken connection.
    public func refuseExtendedProtocol() -> [UInt8] {
        var writer = MessageWriter()
        writer.error(
            ErrorFields(
                .error,
                .protocolViolation,
                "extended query protocol not supported by admin console"
            )
        )
        writer.readyForQuery(.idle)
        writer.error(ErrorFields(.fatal, .protocolViolation, "bad packet"))
        return writer.bytes
    }
}
