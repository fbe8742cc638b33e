import Glibc
import Testing

@testable import weir

/// Two poolers must never believe that one pid file is theirs, and a crash must not keep the next
/// one from starting.
struct PidFileTests {
    private let folder: ScratchFolder

    init() throws {
        self.folder = try ScratchFolder()
    }

    @Test func `a new file holds the process's ID until it is removed`() throws {
        let path = self.folder.file("pid")
        let file = try PidFile(taking: path)
        #expect(try ScratchFolder.text(of: path) == "\(getpid())\n")
        file.remove()
        #expect(FileStamp(path: path) == nil)
    }

    /// Process IDs end at 4,194,304. The own one is what a container's last run left behind.
    @Test(arguments: [
        "", "4194999\n", "99999999999\n", "-1\n", "0\n", "not a number\n", "\(getpid())\n",
    ])
    func `a file whose process does not live is taken over`(left: String) throws {
        let path = try self.folder.write(left, to: "pid")
        let file = try PidFile(taking: path)
        #expect(try ScratchFolder.text(of: path) == "\(getpid())\n")
        file.remove()
    }

    @Test func `a file whose process lives is left alone`() throws {
        let path = try self.folder.write("\(getppid())\n", to: "pid")
        #expect(Self.refusal(path) == "pid file \(path): process \(getppid()) is running")
        #expect(try ScratchFolder.text(of: path) == "\(getppid())\n")
    }

    @Test func `a file that somebody holds is not taken, whatever stands in it`() throws {
        let path = self.folder.file("pid")
        let file = try PidFile(taking: path)
        #expect(Self.refusal(path) == "pid file \(path): process \(getpid()) is running")
        file.remove()
        let next = try PidFile(taking: path)
        next.remove()
    }

    @Test func `removing leaves a file that has taken the place`() throws {
        let path = self.folder.file("pid")
        let file = try PidFile(taking: path)
        unsafe unlink(path)
        let other = try PidFile(taking: path)
        file.remove()
        #expect(FileStamp(path: path) != nil)
        other.remove()
    }

    @Test func `a path that cannot be opened is named with the reason`() {
        let path = "\(self.folder.path)/none/pid"
        #expect(Self.refusal(path) == "pid file \(path): No such file or directory")
    }

    private static func refusal(_ path: String) -> String? {
        do throws(StartFailure) {
            let file = try PidFile(taking: path)
            file.remove()
            return nil
        } catch {
            return error.description
        }
    }
}
