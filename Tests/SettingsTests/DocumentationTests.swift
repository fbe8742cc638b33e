import Glibc
import Testing

@testable import Settings

/// `docs/configuration.md` must name every key, with its default and whether it can be reloaded.
struct DocumentationTests {
    private let lines: [Substring]

    /// A row of a table whose first cell is a key.
    private struct Row {
        let key: String
        let cells: [String]
    }

    init() throws {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let text = try #require(Self.text(of: "/\(root)/docs/configuration.md"))
        self.lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    }

    private static func text(of path: String) -> String? {
        let descriptor = unsafe open(path, O_RDONLY)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = unsafe read(descriptor, &buffer, buffer.count)
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes += buffer.prefix(count)
        }
    }

    /// The rows of a chapter, which begins with a line and ends before the next of its level.
    private func rows(under heading: String) -> [Row] {
        let level = heading.prefix { $0 == "#" } + " "
        let body = self.lines.drop { $0 != heading }.dropFirst().prefix { !$0.hasPrefix(level) }
        return body.compactMap { line in
            guard line.hasPrefix("| `") else { return nil }
            let cells = line.dropFirst().split(separator: "|", omittingEmptySubsequences: false)
                .map { $0.split(separator: " ").joined(separator: " ") }
            let key = cells[0].filter { $0 != "`" }
            return Row(key: key, cells: Array(cells.dropFirst().dropLast()))
        }
    }

    @Test func `every key is named once, with its default and whether it can be reloaded`() {
        let rows = self.rows(under: "## Keys of `[weir]`")
        #expect(rows.map(\.key).sorted() == SettingTable.global.map(\.name).sorted())
        let defaults = GlobalSettings()
        for setting in SettingTable.global {
            guard let row = rows.first(where: { $0.key == setting.name }) else { continue }
            let value = setting.read(defaults)
            #expect(row.cells.count == 4, "\(setting.name)")
            #expect(row.cells.first == (value.isEmpty ? "empty" : "`\(value)`"), "\(setting.name)")
            #expect(row.cells.dropFirst(2).first == (setting.isReloadable ? "yes" : "no"))
            #expect(row.cells.last?.isEmpty == false, "\(setting.name) has no meaning")
        }
    }

    @Test func `keys without effect are listed as such and no others`() {
        let without = Set(self.rows(under: "### Accepted without effect").map(\.key))
        let expected = SettingTable.global.filter { $0.noEffect != nil }.map(\.name)
        #expect(without == Set(expected))
    }

    @Test func `the keys of entries are named`() {
        #expect(
            self.rows(under: "## `[databases]`").map(\.key) == SettingTable.database.map(\.name)
        )
        #expect(self.rows(under: "## `[users]`").map(\.key) == SettingTable.user.map(\.name))
        #expect(self.rows(under: "## `[servers]`").map(\.key) == SettingTable.server.map(\.name))
        #expect(self.rows(under: "## `[peers]`").map(\.key) == SettingTable.peer.map(\.name))
    }

    @Test func `keys of later versions are named`() {
        let text = self.lines.drop { $0 != "### Known, but not in this version" }
            .prefix { !$0.hasPrefix("## ") }.joined(separator: "\n")
        for key in SettingTable.unsupportedGlobalKeys.keys {
            #expect(text.contains("`\(key)`"), "\(key)")
        }
    }

    @Test func `the example of the file loads`() throws {
        let example = self.lines.drop { $0 != "```ini" }.dropFirst().prefix { $0 != "```" }
        let settings = try Settings(
            parsing: example.joined(separator: "\n"),
            file: "example",
            include: { path throws(IncludeFailure) in
                #expect(path == "/etc/weir/more.ini")
                return "max_prepared_statements = 0"
            }
        )
        #expect(settings.databases.keys.sorted() == ["app", "odd name"])
        #expect(settings.warnings.isEmpty)
    }
}
