import Glibc
import Telemetry
import Testing

@Suite(.timeLimit(.minutes(1))) struct LineWriterTests {
    private static func writer(
        _ target: LogTarget,
        limits: LineWriter.Limits = .init()
    ) throws -> LineWriter {
        try LineWriter(target: target, limits: limits) { lost in (Array("lost \(lost)".utf8), 0) }
    }

    @Test func `lines arrive in a file in order`() throws {
        let folder = TemporaryFolder()
        let path = folder.file("log")
        let writer = try Self.writer(LogTarget(file: path))
        for number in 0..<5000 {
            #expect(writer.append("line \(number)"))
            if number % 500 == 0 { #expect(writer.flush(timeout: .seconds(10))) }
        }
        #expect(writer.close(timeout: .seconds(10)))
        #expect(TemporaryFolder.lines(path) == (0..<5000).map { "line \($0)" })
        #expect(writer.dropped == 0 && writer.unwritten == 0)
    }

    @Test func `a file is appended to and made readable for owner and group only`() throws {
        let folder = TemporaryFolder()
        let path = folder.file("log")
        for text in ["first run", "second run"] {
            let writer = try Self.writer(LogTarget(file: path))
            writer.append(text)
            #expect(writer.close(timeout: .seconds(10)))
        }
        #expect(TemporaryFolder.lines(path) == ["first run", "second run"])
        var status = stat()
        #expect(unsafe stat(path, &status) == 0)
        // The process's mask may take bits away, never add one.
        #expect(status.st_mode & 0o777 & ~0o640 == 0)
    }

    @Test func `threads that log at once tear no line and lose none`() async throws {
        let folder = TemporaryFolder()
        let path = folder.file("log")
        let writer = try Self.writer(LogTarget(file: path))
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<4 {
                group.addTask {
                    for number in 0..<1000 { writer.append("\(task) \(number)") }
                }
            }
        }
        #expect(writer.close(timeout: .seconds(10)))
        let lines = TemporaryFolder.lines(path)
        #expect(lines.count == 4000)
        for task in 0..<4 {
            let own = lines.filter { $0.hasPrefix("\(task) ") }
            #expect(own == (0..<1000).map { "\(task) \($0)" })
        }
    }

    @Test func `a flush after each line finds it in the file`() throws {
        let folder = TemporaryFolder()
        let path = folder.file("log")
        let writer = try Self.writer(LogTarget(file: path))
        for number in 1...200 {
            writer.append("\(number)")
            #expect(writer.flush(timeout: .seconds(10)))
            #expect(TemporaryFolder.lines(path).count == number)
        }
        #expect(writer.close(timeout: .seconds(10)))
    }

    @Test func `after a rotation the file is opened again under its name`() throws {
        let folder = TemporaryFolder()
        let path = folder.file("log")
        let writer = try Self.writer(LogTarget(file: path))
        writer.append("before")
        #expect(writer.flush(timeout: .seconds(10)))
        #expect(unsafe rename(path, folder.file("log.1")) == 0)
        writer.append("still the old file")
        #expect(writer.flush(timeout: .seconds(10)))
        try writer.reopen()
        writer.append("after")
        #expect(writer.close(timeout: .seconds(10)))
        #expect(TemporaryFolder.lines(folder.file("log.1")) == ["before", "still the old file"])
        #expect(TemporaryFolder.lines(path) == ["after"])
    }

    @Test func `a failed reopen is reported and the old file stays in use`() throws {
        let folder = TemporaryFolder()
        let path = folder.file("log")
        let writer = try Self.writer(LogTarget(file: path))
        let impossible = folder.file("no such folder/log")
        #expect(throws: LogTargetError.cannotOpen(path: impossible, errno: ENOENT)) {
            try writer.retarget(LogTarget(file: impossible))
        }
        writer.append("still here")
        // The name that `reopen` uses is still the one that worked.
        try writer.reopen()
        writer.append("and here")
        #expect(writer.close(timeout: .seconds(10)))
        #expect(TemporaryFolder.lines(path) == ["still here", "and here"])
    }

    @Test func `a target that cannot be opened is an error with its reason`() {
        let error = #expect(throws: LogTargetError.self) {
            _ = try Self.writer(LogTarget(file: "/no such folder/log"))
        }
        #expect(
            error?.description
                == "cannot open log file \"/no such folder/log\": No such file or directory"
        )
    }

    @Test func `a named pipe without a reader is an error, not a hang`() throws {
        let folder = TemporaryFolder()
        let path = folder.file("pipe")
        #expect(unsafe mkfifo(path, 0o600) == 0)
        #expect(throws: LogTargetError.cannotOpen(path: path, errno: ENXIO)) {
            _ = try Self.writer(LogTarget(file: path))
        }
    }

    @Test func `a closed writer refuses lines and new targets`() throws {
        let folder = TemporaryFolder()
        let path = folder.file("log")
        let writer = try Self.writer(LogTarget(file: path))
        #expect(writer.close(timeout: .seconds(10)))
        #expect(!writer.append("late"))
        #expect(writer.dropped == 1)
        #expect(throws: LogTargetError.closed) { try writer.reopen() }
        #expect(writer.flush(timeout: .zero))
        #expect(writer.close(timeout: .zero))
        #expect(TemporaryFolder.read(path).isEmpty)
    }

    @Test func `a line larger than the limit is dropped and reported in its place`() throws {
        let folder = TemporaryFolder()
        let path = folder.file("log")
        let writer = try Self.writer(
            LogTarget(file: path),
            limits: .init(bytes: 100, lines: 100)
        )
        writer.append("before")
        #expect(!writer.append([UInt8](repeating: UInt8(ascii: "x"), count: 100)))
        #expect(writer.flush(timeout: .seconds(10)))
        writer.append("after")
        #expect(writer.close(timeout: .seconds(10)))
        #expect(TemporaryFolder.lines(path) == ["before", "lost 1", "after"])
    }

    @Test func `a full disk loses lines, counted, and nothing else`() throws {
        let writer = try Self.writer(LogTarget(file: "/dev/full"))
        for _ in 0..<3 { #expect(writer.append("no room for this")) }
        #expect(writer.flush(timeout: .seconds(10)))
        #expect(writer.unwritten == 3)
        let folder = TemporaryFolder()
        try writer.retarget(LogTarget(file: folder.file("log")))
        writer.append("room again")
        #expect(writer.close(timeout: .seconds(10)))
        #expect(TemporaryFolder.lines(folder.file("log")) == ["lost 3", "room again"])
        #expect(writer.dropped == 0)
    }

    @Test func `a target without destinations swallows lines`() throws {
        let writer = try Self.writer(LogTarget())
        #expect(writer.append("nobody will know"))
        #expect(writer.close(timeout: .seconds(10)))
        #expect(writer.unwritten == 0)
    }

    @Test func `a writer that is let go ends its thread and closes its file`() throws {
        let folder = TemporaryFolder()
        let path = folder.file("pipe")
        #expect(unsafe mkfifo(path, 0o600) == 0)
        let reader = unsafe open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        defer { close(reader) }
        do {
            let writer = try Self.writer(LogTarget(file: path))
            writer.append("last words")
        }
        // The end of file comes only when the thread has closed the pipe's other end.
        var request = pollfd(fd: reader, events: Int16(POLLIN), revents: 0)
        #expect(unsafe poll(&request, 1, 10_000) == 1)
        #expect(fcntl(reader, F_SETFL, 0) == 0)
        #expect(TemporaryFolder.readToEnd(reader) == Array("last words\n".utf8))
    }
}
