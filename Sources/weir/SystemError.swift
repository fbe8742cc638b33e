import Glibc

/// A failed system call's `errno` with its text.
struct SystemError: Error, CustomStringConvertible {
    /// The number.
    let number: Int32

    /// The error of the call that has just failed.
    static var last: SystemError { SystemError(number: errno) }

    /// The C library's words for it.
    var description: String {
        guard let text = unsafe strerror(self.number) else { return "error \(self.number)" }
        return unsafe String(cString: text)
    }
}
