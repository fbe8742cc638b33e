internal import Glibc

/// An open log file; closed with its last reference.
final class LogFile: Sendable {
    let descriptor: Int32

    /// Opens a file to append to.
    ///
    /// Non-blocking, so that a path that names a pipe without a reader fails instead of waiting.
    init(path: String) throws(LogTargetError) {
        let flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK
        var descriptor: Int32
        repeat {
            descriptor = unsafe open(path, flags, 0o640)
        } while descriptor < 0 && errno == EINTR
        if descriptor < 0 { throw .cannotOpen(path: path, errno: errno) }
        self.descriptor = descriptor
    }

    deinit {
        close(self.descriptor)
    }
}
