import Auth
import Glibc
import Locking
import Proxy
import Settings

/// Reads the configuration and the users' file, at the start and at each reload.
final class ConfigurationFiles: ConfigurationSource {
    /// Where the configuration comes from.
    enum Origin: Sendable {
        /// A file, relative to the working directory.
        case file(String)
        /// `--database-url` and `--listen`.
        case databaseURL(String, listen: String?)
    }

    private let origin: Origin
    private let environment: [(key: String, value: String)]
    private let overrides: [(key: String, value: String)]
    private let seen = Locked(Seen())

    /// What must be remembered between two reads.
    private struct Seen {
        /// The users' file as it was when it was last read; nil where it could not be.
        var users: FileStamp?
        /// The logs of the running pooler; nil while there are none.
        var logs: PoolerLogs?
        /// Who asks PostgreSQL servers for their sizes; nil before the pooler runs.
        var probes: BudgetProbes?
    }

    /// Bytes that a configuration or a users' file may have. A hundred thousand users with SCRAM
    /// secrets are 20 MB; a path that leads to something endless must not fill the memory.
    private static let sizeLimit = 256 << 20

    /// Creates a source; nothing is read yet.
    ///
    /// - Parameters:
    ///   - origin: the file or the URL.
    ///   - environment: what `WEIR_…` variables set.
    ///   - overrides: what `--set` gave; it wins over everything.
    init(
        origin: Origin,
        environment: [(key: String, value: String)],
        overrides: [(key: String, value: String)]
    ) {
        self.origin = origin
        self.environment = environment
        self.overrides = overrides
    }

    /// Has these logs follow the settings in force, and `reopenLogs` open them anew.
    func adopt(_ logs: PoolerLogs) {
        self.seen.withLock { $0.logs = logs }
    }

    /// Has these probes follow the settings and users in force.
    func adopt(_ probes: BudgetProbes) {
        self.seen.withLock { $0.probes = probes }
    }

    func settings(from path: String?) throws(ConfigurationFailure) -> Settings {
        switch (path, self.origin) {
        case (let path?, _), (nil, .file(let path)):
            return try self.settings(fromFile: path)
        case (nil, .databaseURL(let url, let listen)):
            do throws(SettingsErrors) {
                return try .forDatabaseURL(
                    url,
                    listen: listen,
                    environment: self.environment,
                    overrides: self.overrides
                )
            } catch {
                throw ConfigurationFailure(reason: error.description)
            }
        }
    }

    func users(for settings: Settings) throws(ConfigurationFailure) -> UserList {
        var text = ""
        if let path = settings.global.authFile {
            do throws(SystemError) {
                let file = try FileDescriptor(opening: path, O_RDONLY)
                let stamp = try file.stamp()
                self.seen.withLock { $0.users = stamp }
                text = String(decoding: try file.readAll(limit: Self.sizeLimit), as: UTF8.self)
            } catch {
                self.seen.withLock { $0.users = nil }
                throw ConfigurationFailure(reason: "auth_file \(path): \(error)")
            }
        }
        let inline = settings.inlineUsers.map(Self.line).joined()
        do throws(UserListError) {
            // By themselves first, so that a mistake is reported under the right name.
            _ = try UserList(parsing: inline, file: "--database-url")
            let name = settings.global.authFile ?? "--database-url"
            let users = try UserList(parsing: "\(text)\n\(inline)", file: name)
            self.seen.withLock { $0.probes }?.use(users)
            return users
        } catch {
            throw ConfigurationFailure(reason: error.description)
        }
    }

    /// Asked each second with the settings in force, so this is also where logs and probes follow
    /// what a reload or `SET` has changed.
    func usersChanged(for settings: Settings) -> Bool {
        let seen = self.seen.withLock { $0 }
        let stamp = seen.users
        seen.logs?.follow(settings.global)
        seen.probes?.follow(settings)
        guard let path = settings.global.authFile else { return false }
        return FileStamp(path: path) != stamp
    }

    func reopenLogs() {
        self.seen.withLock { $0.logs }?.reopen()
    }

    private func settings(fromFile path: String) throws(ConfigurationFailure) -> Settings {
        let text: String
        do throws(IncludeFailure) {
            text = try Self.text(of: path)
        } catch {
            throw ConfigurationFailure(reason: "cannot read \(path): \(error.reason)")
        }
        do throws(SettingsErrors) {
            return try Settings(
                parsing: text,
                file: path,
                environment: self.environment,
                overrides: self.overrides,
                include: Self.text
            )
        } catch {
            throw ConfigurationFailure(reason: error.description)
        }
    }

    private static func text(of path: String) throws(IncludeFailure) -> String {
        do throws(SystemError) {
            let file = try FileDescriptor(opening: path, O_RDONLY)
            return String(decoding: try file.readAll(limit: Self.sizeLimit), as: UTF8.self)
        } catch {
            throw IncludeFailure(reason: error.description)
        }
    }

    /// A user as a line of a users' file.
    private static func line(for user: InlineUser) -> String {
        "\(self.quoted(user.name)) \(self.quoted(user.secret.exposed))\n"
    }

    private static func quoted(_ text: String) -> String {
        "\""
            + text.split(separator: "\"", omittingEmptySubsequences: false).joined(
                separator: "\"\""
            )
            + "\""
    }
}
