import Glibc

/// A folder of its own for a test; removed with everything directly in it when the object goes.
final class TemporaryFolder {
    let path: String

    init() {
        var template = Array("/tmp/weir-telemetry-XXXXXX".utf8CString)
        precondition(unsafe mkdtemp(&template) != nil, "mkdtemp failed with errno \(errno)")
        self.path = unsafe template.withUnsafeBufferPointer {
            unsafe String(cString: $0.baseAddress!)
        }
    }

    deinit {
        for name in self.names { unsafe unlink(self.path + "/" + name) }
        unsafe rmdir(self.path)
    }

    func file(_ name: String) -> String { self.path + "/" + name }

    /// The names of the files in the folder, sorted.
    var names: [String] {
        guard let directory = unsafe opendir(self.path) else { return [] }
        defer { unsafe closedir(directory) }
        var names: [String] = []
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// The bytes of a file, empty if there is none.
    static func read(_ path: String) -> [UInt8] {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        return Self.readToEnd(descriptor)
    }

    /// The lines of a file, without newlines.
    static func lines(_ path: String) -> [String] {
        Self.lines(in: Self.read(path))
    }

    static func lines(in bytes: [UInt8]) -> [String] {
        var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }
        return lines.map { String(decoding: $0, as: UTF8.self) }
    }

    /// Reads a descriptor until its end.
    static func readToEnd(_ descriptor: Int32) -> [UInt8] {
        var result: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = unsafe Glibc.read(descriptor, &buffer, buffer.count)
            if count <= 0 { return result }
            result += buffer[..<count]
        }
    }
}
