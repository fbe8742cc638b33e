import Glibc
import Testing

@testable import weir

/// A folder of a test's own under `/tmp`, removed with what the test made in it.
final class ScratchFolder {
    let path: String
    private var names: [String] = []

    init() throws {
        var template = Array("/tmp/weir-cli-test-XXXXXX".utf8CString)
        let made = unsafe template.withUnsafeMutableBufferPointer {
            unsafe mkdtemp($0.baseAddress!) != nil
        }
        try #require(made, "mkdtemp: \(SystemError.last)")
        self.path = String(
            decoding: template.dropLast().map(UInt8.init(bitPattern:)),
            as: UTF8.self
        )
    }

    deinit {
        for name in self.names { unsafe unlink("\(self.path)/\(name)") }
        unsafe rmdir(self.path)
    }

    /// The path of a file in the folder, which need not exist.
    func file(_ name: String) -> String {
        self.names.append(name)
        return "\(self.path)/\(name)"
    }

    /// Writes a file and returns its path.
    func write(_ text: String, to name: String) throws -> String {
        let path = self.file(name)
        try FileDescriptor(opening: path, O_WRONLY | O_CREAT, mode: 0o600).overwrite(with: text)
        return path
    }

    /// What a file holds.
    static func text(of path: String) throws -> String {
        let bytes = try FileDescriptor(opening: path, O_RDONLY).readAll(limit: 1 << 20)
        return String(decoding: bytes, as: UTF8.self)
    }
}
