/// Where a `LineWriter` writes: any of a file, an open descriptor and syslog, or several at once.
///
/// With more than one, the file comes first: a descriptor that nobody reads costs its own lines and
/// never holds up the file.
public struct LogTarget: Sendable, Equatable {
    /// The descriptor number of standard error.
    public static let standardErrorDescriptor: Int32 = 2

    /// Standard error alone.
    public static let standardError = LogTarget(descriptor: Self.standardErrorDescriptor)

    /// The path of a file to append to, made with mode 0640 if it does not exist.
    public var file: String?

    /// A descriptor that is already open and stays the caller's, e.g. standard error.
    public var descriptor: Int32?

    /// The system's log.
    public var syslog: Syslog?

    /// How lines are marked in the system's log.
    public struct Syslog: Sendable, Equatable {
        /// The program's name in front of each message.
        public var ident: String

        /// The facility as in `<syslog.h>`, e.g. `LOG_DAEMON`.
        public var facility: Int32

        /// Describes the system's log; the facility is `LOG_DAEMON` if none is given.
        public init(ident: String, facility: Int32 = 3 << 3) {
            self.ident = ident
            self.facility = facility
        }

        /// The facility of that name (`daemon`, `user`, `local0` …), or nil if there is none.
        ///
        /// The names are those that PgBouncer's `syslog_facility` takes.
        public static func facility(named name: String) -> Int32? {
            switch name {
            case "user": 1 << 3
            case "daemon": 3 << 3
            case "auth": 4 << 3
            case "authpriv": 10 << 3
            case "local0": 16 << 3
            case "local1": 17 << 3
            case "local2": 18 << 3
            case "local3": 19 << 3
            case "local4": 20 << 3
            case "local5": 21 << 3
            case "local6": 22 << 3
            case "local7": 23 << 3
            default: nil
            }
        }
    }

    /// Describes a target; one without any destination swallows what is written.
    public init(file: String? = nil, descriptor: Int32? = nil, syslog: Syslog? = nil) {
        self.file = file
        self.descriptor = descriptor
        self.syslog = syslog
    }
}
