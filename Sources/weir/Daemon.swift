import Glibc

/// The background process's side of `-d`: it tells the process that was started how the start went.
///
/// `fork` copies only the calling thread, so it comes before any other thread and before any ring.
struct Daemon {
    private let report: Int32

    /// Forks. The child returns in a session of its own; the parent waits until the child reports
    /// and exits, with 0 when the pooler serves and 1 when it does not.
    static func enter() throws(StartFailure) -> Daemon {
        var ends: [Int32] = [0, 0]
        guard unsafe pipe(&ends) == 0 else {
            throw .daemon(SystemError.last.description)
        }
        let child = fork()
        guard child >= 0 else { throw .daemon(SystemError.last.description) }
        if child > 0 {
            close(ends[1])
            exit(Self.waitForReport(ends[0]))
        }
        close(ends[0])
        guard setsid() >= 0 else { throw .daemon(SystemError.last.description) }
        return Daemon(report: ends[1])
    }

    /// Lets go of the terminal and tells the parent that the pooler serves.
    func detach() throws(StartFailure) {
        do throws(SystemError) {
            let nowhere = try FileDescriptor(opening: "/dev/null", O_RDWR)
            for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] {
                guard dup2(nowhere.number, descriptor) >= 0 else { throw .last }
            }
        } catch {
            throw .daemon("/dev/null: \(error)")
        }
        // A parent that was killed does not need the report.
        _ = unsafe write(self.report, [Self.isServing], 1)
        close(self.report)
    }

    private static let isServing: UInt8 = 1

    /// The parent's exit code; a child that ends without a report closes the pipe.
    private static func waitForReport(_ descriptor: Int32) -> Int32 {
        Signals.unblock()
        var report: UInt8 = 0
        var count: Int
        repeat {
            count = unsafe read(descriptor, &report, 1)
        } while count < 0 && errno == EINTR
        return count == 1 && report == Self.isServing ? EXIT_SUCCESS : EXIT_FAILURE
    }
}
