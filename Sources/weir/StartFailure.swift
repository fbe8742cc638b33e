/// Why the program cannot do what it was told; ends the process with exit code 1.
enum StartFailure: Error, CustomStringConvertible {
    /// The configuration, or a file that it names, is wrong; a line for each mistake.
    case configuration(String)
    /// It was started as root and nobody is named to become instead.
    case isRoot
    /// The user to become does not exist, or cannot be become.
    case user(String, reason: String)
    /// The pid file cannot be used.
    case pidFile(path: String, reason: String)
    /// Another process holds the pid file.
    case isRunning(path: String, processID: Int32?)
    /// `-d` without what it needs, or refused by the system.
    case daemon(String)
    /// The log cannot be opened.
    case log(String)
    /// The event engine or a listener cannot be had.
    case engine(String)

    /// The reason in a sentence for the terminal and the log.
    var description: String {
        switch self {
        case .configuration(let text), .log(let text), .engine(let text):
            return text
        case .isRoot:
            return "Weir must not run as root: use -u USER or the user setting"
        case .user(let name, let reason):
            return "cannot become user \(name): \(reason)"
        case .pidFile(let path, let reason):
            return "pid file \(path): \(reason)"
        case .isRunning(let path, let processID):
            let who = processID.map { "process \($0)" } ?? "another process"
            return "pid file \(path): \(who) is running"
        case .daemon(let reason):
            return "cannot go into the background: \(reason)"
        }
    }
}
