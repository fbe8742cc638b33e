import ArgumentParser
import Testing

@testable import weir

/// The command line stands in for PgBouncer's.
struct ArgumentTests {
    @Test func `a bare file is run, with PgBouncer's flags in one word`() throws {
        let command = try #require(
            try Weir.parseAsRoot(["-dqvv", "-u", "nobody", "a.ini"]) as? RunCommand
        )
        #expect(command.daemon && command.quiet)
        #expect(command.verbose == 2)
        #expect(command.user == "nobody")
        #expect(command.arguments.file == "a.ini")
    }

    @Test func `a value may hold anything, also what looks like a flag`() throws {
        let command = try #require(
            try Weir.parseAsRoot(["run", "--set", "a=b=c", "--set", "d=", "x"]) as? RunCommand
        )
        #expect(command.arguments.overrides.map(\.key) == ["a", "d"])
        #expect(command.arguments.overrides.map(\.value) == ["b=c", ""])
    }

    @Test(arguments: ["a", "=b", ""])
    func `an assignment without key or equals sign is refused`(text: String) {
        #expect(throws: (any Error).self) { try Weir.parseAsRoot(["--set", text, "x"]) }
    }

    @Test(arguments: [["-R", "a"], [], ["a", "--database-url", "b"], ["a", "--listen", ":1"]])
    func `what makes no sense is refused before anything is done`(arguments: [String]) throws {
        #expect(throws: ValidationError.self) {
            var command = try Weir.parseAsRoot(arguments)
            try command.run()
        }
    }
}
