import Glibc

/// The file with the process ID, locked as long as it is held.
///
/// The lock ends with the process, whatever kills it. So a file that nobody locks and whose
/// process does not live is stale and is taken over. The process is looked at too because PgBouncer
/// does not lock its file.
struct PidFile: ~Copyable {
    private let path: String
    private let file: FileDescriptor

    /// How often a file is opened again that its last owner removed in between.
    private static let attempts = 10

    /// A process ID has at most ten digits.
    private static let sizeLimit = 64

    /// Takes the file for this process and writes its ID there.
    init(taking path: String) throws(StartFailure) {
        let file = try Self.lock(path)
        do throws(SystemError) {
            try file.overwrite(with: "\(getpid())\n")
        } catch {
            throw .pidFile(path: path, reason: error.description)
        }
        self.path = path
        self.file = file
    }

    /// Removes the file; empties it where the directory does not allow that.
    consuming func remove() {
        guard let stamp = try? self.file.stamp(),
            FileStamp(path: self.path)?.isSameFile(as: stamp) == true
        else { return }
        if unsafe unlink(self.path) != 0 { _ = ftruncate(self.file.number, 0) }
    }

    private static func lock(_ path: String) throws(StartFailure) -> FileDescriptor {
        for _ in 0..<Self.attempts {
            let text: [UInt8]
            do throws(SystemError) {
                let file = try FileDescriptor(opening: path, O_RDWR | O_CREAT, mode: 0o644)
                let isLocked = flock(file.number, LOCK_EX | LOCK_NB) == 0
                if !isLocked && errno != EWOULDBLOCK { throw .last }
                text = try file.readAll(limit: Self.sizeLimit)
                if isLocked && !Self.namesLiveProcess(text) {
                    let stamp = try file.stamp()
                    if FileStamp(path: path)?.isSameFile(as: stamp) == true { return file }
                    continue
                }
            } catch {
                throw .pidFile(path: path, reason: error.description)
            }
            throw .isRunning(path: path, processID: Self.processID(text))
        }
        throw .pidFile(path: path, reason: "it is replaced again and again")
    }

    /// Whether the file names another process that lives. The own ID is a stale one: in a container
    /// every start has the same.
    private static func namesLiveProcess(_ text: [UInt8]) -> Bool {
        guard let process = Self.processID(text), process != getpid() else { return false }
        return kill(process, 0) == 0 || errno == EPERM
    }

    private static func processID(_ text: [UInt8]) -> pid_t? {
        let digits = text.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard let number = pid_t(String(decoding: digits, as: UTF8.self)), number > 0 else {
            return nil
        }
        return number
    }
}
