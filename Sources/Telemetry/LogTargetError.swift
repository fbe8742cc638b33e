internal import Glibc

/// Why a log target could not be opened.
public enum LogTargetError: Error, Equatable, CustomStringConvertible {
    /// The file could not be opened; with the value of `errno`.
    case cannotOpen(path: String, errno: Int32)

    /// The writer's thread could not be started; with the error number.
    case cannotStartThread(errno: Int32)

    /// The writer has been closed.
    case closed

    /// The reason as an operator reads it.
    public var description: String {
        switch self {
        case .cannotOpen(let path, let number):
            "cannot open log file \"\(path)\": \(Self.text(of: number))"
        case .cannotStartThread(let number):
            "cannot start the log writer's thread: \(Self.text(of: number))"
        case .closed:
            "the log writer is closed"
        }
    }

    private static func text(of number: Int32) -> String {
        guard let text = unsafe strerror(number) else { return "error \(number)" }
        return unsafe String(cString: text)
    }
}
