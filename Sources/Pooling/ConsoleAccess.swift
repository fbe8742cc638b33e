/// What a session of the admin console may do.
public enum ConsoleAccess: Equatable, Sendable {
    /// Every command: a name in `admin_users`, or the process's own user over the Unix socket.
    case admin
    /// Looking only, i.e. every SHOW but `SHOW FDS`: a name in `stats_users`.
    case statistics
}
