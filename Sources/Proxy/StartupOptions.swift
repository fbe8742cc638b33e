import Pooling
import Settings
import Wire

/// Startup parameters: which are followed, which ignored, which set as any other setting.
extension Worker {
    /// The values that a client asks for in its startup packet: by their place among the followed
    /// parameters, and those of all other settings.
    func wantedParameters(
        _ startup: StartupParameters,
        isConsole: Bool
    ) throws(StartupParameterError) -> (wanted: [String?], settings: [SettingValue]) {
        var wanted = [String?](repeating: nil, count: self.parameters.names.count)
        var settings: [SettingValue] = []
        if isConsole { return (wanted, settings) }
        let isForReplication = try self.replicationMode(startup) != .none
        // PostgreSQL finds a setting in any case of letters.
        let ignored = Set(
            self.settings.global.ignoreStartupParameters.map { $0.lowercased() }
        )
        // Names count more than `options`, as for PostgreSQL, wherever they stand.
        for parameter in startup.others where parameter.name == "options" {
            // A replication client's server takes them as they are.
            guard !isForReplication, !ignored.contains("options") else { continue }
            try self.readOptions(parameter.value, ignored, into: &wanted, &settings)
        }
        for parameter in startup.others where parameter.name != "options" {
            if let place = self.parameters.place(of: parameter.name) {
                wanted[place] = parameter.value
            } else if parameter.name != "replication",
                !ignored.contains(parameter.name.lowercased())
            {
                if isForReplication { throw .unsupported(parameter.name) }
                settings.append(Self.setting(parameter.name, parameter.value))
            }
        }
        guard settings.count <= Self.settingsMax else { throw .tooMany }
        return (wanted, settings)
    }

    /// Settings beside the followed ones that a startup packet may ask for.
    private static let settingsMax = 64

    private static func setting(_ name: String, _ value: String) -> SettingValue {
        SettingValue(name: name.lowercased(), value: Array(value.utf8))
    }

    /// What kind of replication a client asks for; the last of several values counts, as for
    /// PostgreSQL.
    func replicationMode(
        _ startup: StartupParameters
    ) throws(StartupParameterError) -> ReplicationMode {
        guard let value = startup.others.last(where: { $0.name == "replication" })?.value else {
            return .none
        }
        guard let mode = ReplicationMode(startupValue: value) else {
            throw .invalidReplication(value)
        }
        return mode
    }

    /// `-c name=value`, `-cname=value` and `--name=value`, separated by white space, which a
    /// backslash keeps from separating.
    private func readOptions(
        _ text: String,
        _ ignored: Set<String>,
        into wanted: inout [String?],
        _ settings: inout [SettingValue]
    ) throws(StartupParameterError) {
        var words = Self.words(text)[...]
        while let word = words.popFirst() {
            let assignment: Substring
            if word == "--" {
                // Nothing behind it is an option, and there is nothing else to be.
                guard let next = words.first else { return }
                throw .invalidOption(next)
            } else if word == "-c" {
                guard let next = words.popFirst() else { throw .invalidOption(word) }
                assignment = Substring(next)
            } else if word.hasPrefix("--") || word.hasPrefix("-c") {
                assignment = word.dropFirst(2)
            } else if word.hasPrefix("-"), let letter = word.dropFirst().first,
                Self.otherOptions.contains(letter)
            {
                throw .unsupportedOptions
            } else {
                throw .invalidOption(word)
            }
            guard let equals = assignment.firstIndex(of: "=") else {
                let prefix = word.hasPrefix("--") ? "--" : "-c "
                throw .missingValue("\(prefix)\(assignment)")
            }
            let name = String(assignment[..<equals].map { $0 == "-" ? "_" : $0 })
            if name.isEmpty { throw .unknownSetting(name) }
            let value = String(assignment[assignment.index(after: equals)...])
            if let place = self.parameters.place(of: name) {
                wanted[place] = value
            } else if !ignored.contains(name.lowercased()) {
                settings.append(Self.setting(name, value))
            }
        }
    }

    /// What PostgreSQL takes besides, for its developers most of all.
    private static let otherOptions: Set<Character> = Set("BbCDdEeFfhijklNnOoPprSsTtvW")

    private static func words(_ text: String) -> [String] {
        var words: [String] = []
        var word = ""
        var isEscaped = false
        for character in text {
            if isEscaped {
                word.append(character)
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else if character.isWhitespace {
                if !word.isEmpty { words.append(word) }
                word = ""
            } else {
                word.append(character)
            }
        }
        if !word.isEmpty { words.append(word) }
        return words
    }
}
