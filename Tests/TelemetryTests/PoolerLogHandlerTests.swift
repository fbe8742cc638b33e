import Logging
import Telemetry
import Testing

@Suite(.timeLimit(.minutes(1))) struct PoolerLogHandlerTests {
    private static let noon = CivilTime(
        year: 2026,
        month: 11,
        day: 24,
        hour: 12,
        minute: 0,
        second: 0
    )

    /// What comes after the frame's `[PID] ` for each line that `body` logs.
    private func logged(
        provider: Logger.MetadataProvider? = nil,
        _ body: (inout Logger) -> Void
    ) throws -> [String] {
        let folder = TemporaryFolder()
        let path = folder.file("log")
        let format = LogFormat(processID: 42, civilTime: { _ in Self.noon })
        let writer = try LineWriter(
            target: LogTarget(file: path),
            lossReport: format.lossReport
        )
        var handler = PoolerLogHandler(writer: writer, format: format, logLevel: .trace)
        handler.metadataProvider = provider
        var logger = Logger(label: "weir", factory: { _ in handler })
        body(&logger)
        #expect(writer.close(timeout: .seconds(10)))
        return try TemporaryFolder.lines(path).map { line in
            let match = try #require(
                line.wholeMatch(of: /2026-11-24 12:00:00\.\d{3} UTC \[42\] (.*)/),
                "\(line)"
            )
            return String(match.1)
        }
    }

    @Test func `each level of swift-log has its word`() throws {
        let lines = try self.logged { logger in
            logger.critical("a")
            logger.error("b")
            logger.warning("c")
            logger.notice("d")
            logger.info("e")
            logger.debug("f")
            logger.trace("g")
        }
        #expect(
            lines == ["FATAL a", "ERROR b", "WARNING c", "LOG d", "LOG e", "DEBUG f", "NOISE g"]
        )
    }

    @Test func `levels below the handler's are left out`() throws {
        let lines = try self.logged { logger in
            logger.logLevel = .info
            logger.debug("no")
            logger.info("yes")
        }
        #expect(lines == ["LOG yes"])
    }

    @Test func `metadata follows the message, sorted, the nearest value first`() throws {
        let provider = Logger.MetadataProvider { ["a": "provider", "c": "provider"] }
        let lines = try self.logged(provider: provider) { logger in
            logger[metadataKey: "a"] = "handler"
            logger[metadataKey: "b"] = "handler"
            logger.info("text", metadata: ["c": "event", "d": ["x", "y"]])
        }
        #expect(lines == [#"LOG text a=provider b=handler c=event d=["x", "y"]"#])
    }

    @Test func `a socket prefix of the caller's stands right after the level`() throws {
        let lines = try self.logged { logger in
            logger.info(
                "C-0x55d0: shop/web@10.0.0.7:41234 closing because: client close request (age=3s)"
            )
        }
        #expect(
            lines == [
                "LOG C-0x55d0: shop/web@10.0.0.7:41234 closing because: "
                    + "client close request (age=3s)"
            ]
        )
    }
}
