import Auth
import Glibc
import Proxy
import Settings
import Testing

@testable import weir

/// What a reload reads is what is there, and what is wrong is named with its place.
struct ConfigurationFilesTests {
    private let folder: ScratchFolder

    init() throws {
        self.folder = try ScratchFolder()
    }

    @Test func `the URL's user gets in with exactly its password`() throws {
        let files = Self.files(.databaseURL("postgres://a%22b:p%22%22%20%3Bw@h/d", listen: nil))
        let users = try files.users(for: try files.settings(from: nil))
        #expect(users.users == ["a\"b"])
        #expect(users.secret(of: "a\"b") == Secret(stored: "p\"\" ;w"))
    }

    @Test func `a user that a list cannot hold is an error of the URL`() throws {
        let files = Self.files(.databaseURL("postgres://a%0Ab:p@h/d", listen: nil))
        let settings = try files.settings(from: nil)
        #expect(
            Self.reason { _ = try files.users(for: settings) }?.hasPrefix("--database-url:1:")
                == true
        )
    }

    @Test func `the URL's user wins over the same one in auth_file`() throws {
        let path = try self.folder.write("\"u\" \"file\"\n\"v\" \"w\"", to: "users.txt")
        let files = ConfigurationFiles(
            origin: .databaseURL("postgres://u:url@h/d", listen: nil),
            environment: [],
            overrides: [("auth_file", path)]
        )
        let users = try files.users(for: try files.settings(from: nil))
        #expect(users.users == ["u", "v"])
        #expect(users.secret(of: "u") == Secret(stored: "url"))
    }

    @Test func `a mistake in an included file is named with that file's line`() throws {
        let part = try self.folder.write("\n[weir]\npool_mode = never\n", to: "part.ini")
        let whole = try self.folder.write("%include \(part)\n", to: "whole.ini")
        let files = Self.files(.file(whole))
        let reason = Self.reason { _ = try files.settings(from: nil) }
        #expect(reason?.hasPrefix("\(part):3: pool_mode") == true, "\(reason ?? "accepted")")
    }

    @Test func `a file that is not there and a folder are named with the reason`() {
        let missing = "\(self.folder.path)/missing.ini"
        #expect(
            Self.reason { _ = try Self.files(.file(missing)).settings(from: nil) }
                == "cannot read \(missing): No such file or directory"
        )
        let files = Self.files(.file(self.folder.path))
        #expect(
            Self.reason { _ = try files.settings(from: nil) }
                == "cannot read \(self.folder.path): Is a directory"
        )
    }

    @Test func `a changed users' file is noticed once, also a broken one`() throws {
        let users = try self.folder.write("\"u\" \"p\"\n", to: "users.txt")
        let path = try self.folder.write("[weir]\nauth_file = \(users)\n", to: "weir.ini")
        let files = Self.files(.file(path))
        let settings = try files.settings(from: nil)
        _ = try files.users(for: settings)
        #expect(!files.usersChanged(for: settings))

        _ = try self.folder.write("\"u\" \"p\"\n\"v", to: "users.txt")
        #expect(files.usersChanged(for: settings))
        #expect(
            Self.reason { _ = try files.users(for: settings) }?.hasPrefix("\(users):2:") == true
        )
        #expect(!files.usersChanged(for: settings))

        unsafe unlink(users)
        #expect(files.usersChanged(for: settings))
        #expect(
            Self.reason { _ = try files.users(for: settings) }
                == "auth_file \(users): No such file or directory"
        )
        #expect(!files.usersChanged(for: settings))
    }

    private static func files(_ origin: ConfigurationFiles.Origin) -> ConfigurationFiles {
        ConfigurationFiles(origin: origin, environment: [], overrides: [])
    }

    private static func reason(_ work: () throws -> Void) -> String? {
        do {
            try work()
            return nil
        } catch {
            return (error as? ConfigurationFailure)?.reason ?? "another error: \(error)"
        }
    }
}
