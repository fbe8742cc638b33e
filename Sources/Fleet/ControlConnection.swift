internal import CPQ
internal import Glibc
internal import Pooling

/// A control connection to PostgreSQL: libpq, used by one thread, with a deadline for everything.
///
/// libpq's blocking calls know no deadline, so this waits with `poll` beside its asynchronous ones.
@safe
final class ControlConnection {
    /// What went wrong, in libpq's words or PostgreSQL's.
    struct Failure: Error, CustomStringConvertible {
        /// For people.
        var description: String
        /// PostgreSQL's SQLSTATE; empty where the connection failed.
        var sqlState = ""
        /// Whether the role lacks a right (insufficient_privilege).
        var isAboutPrivilege: Bool { self.sqlState == "42501" }
    }

    /// Rows as text; NULL is nil.
    typealias Rows = [[String?]]

    private let connection: OpaquePointer

    /// Connects and logs in.
    ///
    /// - Parameters:
    ///   - name: `application_name`, up to 63 bytes.
    ///   - deadline: by the boot-time clock.
    init(
        to address: ControlAddress,
        name: String,
        deadline: Instant
    ) throws(Failure) {
        var parameters = [
            ("host", address.hosts.joined(separator: ",")), ("port", "\(address.port)"),
            ("dbname", address.database), ("user", address.user), ("application_name", name),
            ("client_encoding", "UTF8"), ("keepalives_idle", "5"), ("keepalives_interval", "2"),
            ("keepalives_count", "3"), ("tcp_user_timeout", "5000"), ("connect_timeout", "3"),
        ]
        if let password = address.password { parameters.append(("password", password)) }
        let started = unsafe Self.start(parameters)
        guard let connection = unsafe started else { throw Failure(description: "out of memory") }
        unsafe self.connection = connection
        // If this fails, `deinit` runs all the same.
        try self.finishConnecting(deadline)
        // A notice is for nobody here; libpq would print it.
        unsafe PQsetNoticeProcessor(self.connection, { _, _ in }, nil)
    }

    private static func start(_ parameters: [(String, String)]) -> OpaquePointer? {
        let names = CStringArray(parameters.map(\.0))
        let values = CStringArray(parameters.map(\.1))
        return unsafe withExtendedLifetime((names, values)) {
            unsafe PQconnectStartParams(names.pointers, values.pointers, 0)
        }
    }

    private func finishConnecting(_ deadline: Instant) throws(Failure) {
        var wanted = PGRES_POLLING_WRITING
        while true {
            guard !self.isBad else { throw self.broken() }
            switch wanted {
            case PGRES_POLLING_OK: return
            case PGRES_POLLING_READING: try self.wait(for: POLLIN, deadline)
            case PGRES_POLLING_WRITING: try self.wait(for: POLLOUT, deadline)
            default: throw self.broken()
            }
            wanted = unsafe PQconnectPoll(self.connection)
        }
    }

    deinit { unsafe PQfinish(self.connection) }

    /// Connects for one purpose, and waits until the server has closed the connection afterwards,
    /// or for as long as `deadline` says: then its session is not in the list any more.
    static func once<Result>(
        to address: ControlAddress,
        name: String,
        deadline: Instant,
        _ body: (ControlConnection) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        var end = ConnectionEnd()
        func use() throws(Failure) -> Result {
            let connection = try ControlConnection(to: address, name: name, deadline: deadline)
            end = ConnectionEnd(of: connection.descriptor)
            return try body(connection)
        }
        defer { end.wait(until: deadline) }
        return try use()
    }

    // MARK: Facts

    /// The process ID of its session.
    var processID: UInt32 { UInt32(bitPattern: unsafe PQbackendPID(self.connection)) }

    /// PostgreSQL's version, as 150018 for 15.18.
    var serverVersion: Int { Int(unsafe PQserverVersion(self.connection)) }

    /// Whether the server counts sessions that end badly, and without delay.
    var countsDeaths: Bool { self.serverVersion >= 150_000 }

    /// Whether the server is a standby; nil where it does not say so (before PostgreSQL 14).
    var isInHotStandby: Bool? {
        guard let value = unsafe PQparameterStatus(self.connection, "in_hot_standby") else {
            return nil
        }
        return unsafe String(cString: value) == "on"
    }

    /// Ends the connection without saying good-bye, so that PostgreSQL counts that as a death.
    func cutOff() {
        shutdown(self.descriptor, Int32(SHUT_RDWR))
    }

    /// What to poll for input.
    var descriptor: Int32 { unsafe PQsocket(self.connection) }

    private var isBad: Bool { unsafe PQstatus(self.connection) == CONNECTION_BAD }

    // MARK: Queries

    /// Runs one statement and returns its rows.
    ///
    /// - Parameter arguments: the values of `$1` and so on, as text.
    func query(
        _ text: String,
        _ arguments: [String] = [],
        deadline: Instant
    ) throws(Failure) -> Rows {
        let values = CStringArray(arguments)
        let count = Int32(arguments.count)
        let isSent = withExtendedLifetime(values) {
            let values = unsafe values.pointers
            return unsafe PQsendQueryParams(
                self.connection,
                text,
                count,
                nil,
                values,
                nil,
                nil,
                0
            ) == 1
        }
        guard isSent else { throw self.broken() }
        var rows: Rows = []
        var failure: Failure?
        while let result = try unsafe self.nextResult(deadline) {
            defer { unsafe PQclear(result) }
            switch unsafe PQresultStatus(result) {
            case PGRES_TUPLES_OK: rows = unsafe Self.rows(of: result)
            case PGRES_COMMAND_OK: break
            default: if failure == nil { failure = unsafe Self.failure(of: result) }
            }
        }
        if let failure { throw failure }
        return rows
    }

    private func nextResult(_ deadline: Instant) throws(Failure) -> OpaquePointer? {
        while true {
            let flushed = unsafe PQflush(self.connection)
            guard flushed >= 0 else { throw self.broken() }
            let isBusy = unsafe PQisBusy(self.connection) == 1
            if flushed == 0, !isBusy { break }
            try self.wait(for: flushed == 0 ? POLLIN : POLLIN | POLLOUT, deadline)
            guard unsafe PQconsumeInput(self.connection) == 1 else { throw self.broken() }
        }
        return unsafe PQgetResult(self.connection)
    }

    /// Takes what has come without being asked for.
    ///
    /// - Returns: the process IDs of the sessions that have notified this one.
    func takeNotifications() throws(Failure) -> [UInt32] {
        let isThere = unsafe PQconsumeInput(self.connection) == 1
        guard isThere, !self.isBad else { throw self.broken() }
        var senders: [UInt32] = []
        while let notification = unsafe PQnotifies(self.connection) {
            unsafe senders.append(UInt32(bitPattern: notification.pointee.be_pid))
            unsafe PQfreemem(notification)
        }
        return senders
    }

    private func wait(for events: Int32, _ deadline: Instant) throws(Failure) {
        var entry = pollfd(fd: self.descriptor, events: Int16(events), revents: 0)
        while true {
            let left = deadline - BootClock.now
            guard left > 0 else {
                throw Failure(description: "no answer in time")
            }
            let milliseconds = Int32(clamping: left / 1_000_000 + 1)
            let count = unsafe poll(&entry, 1, milliseconds)
            if count > 0 { return }
            if count < 0, errno != EINTR { throw self.broken() }
        }
    }

    private func broken() -> Failure {
        Failure(description: unsafe Self.line(PQerrorMessage(self.connection)))
    }

    private static func failure(of result: OpaquePointer) -> Failure {
        let state = unsafe PQresultErrorField(result, Int32(UInt8(ascii: "C")))
        let text = unsafe PQresultErrorField(result, Int32(UInt8(ascii: "M")))
        return Failure(
            description: unsafe Self.line(text ?? PQresultErrorMessage(result)),
            sqlState: unsafe state.map { unsafe String(cString: $0) } ?? ""
        )
    }

    private static func rows(of result: OpaquePointer) -> Rows {
        let columns = unsafe PQnfields(result)
        let count = unsafe PQntuples(result)
        return (0..<count).map { row in
            (0..<columns).map { column in
                unsafe PQgetisnull(result, row, column) == 1
                    ? nil : String(cString: PQgetvalue(result, row, column))
            }
        }
    }

    /// libpq's messages end with a line feed and may have several lines.
    private static func line(_ text: UnsafePointer<CChar>?) -> String {
        guard let text = unsafe text else { return "out of memory" }
        let lines = unsafe String(cString: text).split(separator: "\n")
        return lines.isEmpty ? "the connection is lost" : lines.joined(separator: "; ")
    }

    /// An array of process IDs as PostgreSQL reads it. What is none of its own numbers, since
    /// another pooler has made it up, names no session.
    static func array(processIDs: some Sequence<UInt32>) -> String {
        Self.array(processIDs.filter { $0 <= Int32.max })
    }

    /// An array as PostgreSQL reads it.
    static func array(_ values: some Sequence<some CustomStringConvertible>) -> String {
        let quoted = values.map { value in
            "\"" + "\(value)".map { "\"\\".contains($0) ? "\\\($0)" : "\($0)" }.joined() + "\""
        }
        return "{" + quoted.joined(separator: ",") + "}"
    }
}
