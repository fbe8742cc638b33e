import Glibc

/// An open file; closed at the end of its life.
struct FileDescriptor: ~Copyable {
    /// The number for system calls.
    let number: Int32

    /// Opens a file, closed on exec.
    init(opening path: String, _ flags: Int32, mode: mode_t = 0) throws(SystemError) {
        var number: Int32
        repeat {
            number = unsafe open(path, flags | O_CLOEXEC | O_NOCTTY, mode)
        } while number < 0 && errno == EINTR
        guard number >= 0 else { throw .last }
        self.number = number
    }

    deinit {
        close(self.number)
    }

    /// Which file this is, and its present version.
    func stamp() throws(SystemError) -> FileStamp {
        var status = stat()
        guard unsafe fstat(self.number, &status) == 0 else { throw .last }
        return FileStamp(status)
    }

    /// Reads from the present place to the end.
    ///
    /// - Parameter limit: a file with more bytes is refused with `EFBIG`.
    func readAll(limit: Int) throws(SystemError) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = unsafe read(self.number, &chunk, chunk.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw .last }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
            if bytes.count > limit { throw SystemError(number: EFBIG) }
        }
    }

    /// Replaces what the file holds.
    func overwrite(with text: String) throws(SystemError) {
        guard ftruncate(self.number, 0) == 0 else { throw .last }
        let bytes = Array(text.utf8)
        var position = 0
        while position < bytes.count {
            let rest = Array(bytes[position...])
            let count = unsafe pwrite(self.number, rest, rest.count, off_t(position))
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw .last }
            position += count
        }
    }
}
