import Pooling
import Settings
import Wire

/// Startup parameters: which are followed, which ignored, which refused.
extension Worker {
    /// The values that a client asks for in its startup packet, by their place among the followed
    /// parameters.
    func wantedParameters(
        _ startup: StartupParameters,
        isConsole: Bool
    ) throws(StartupParameterError) -> [String?] {
        var wanted = [String?](repeating: nil, count: self.parameters.names.count)
        if isConsole { return wanted }
        let isForReplication = try self.replicationMode(startup) != .none
        let ignored = self.settings.global.ignoreStartupParameters
        for parameter in startup.others {
            if let place = self.parameters.place(of: parameter.name) {
                wanted[place] = parameter.value
            } else if parameter.name == "options" {
                // A replication client's server takes them as they are.
                guard !isForReplication, !ignored.contains("options") else { continue }
                try self.readOptions(parameter.value, into: &wanted)
            } else if parameter.name != "replication", !ignored.contains(parameter.name) {
                throw .unsupported(parameter.name)
            }
        }
        return wanted
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
        into wanted: inout [String?]
    ) throws(StartupParameterError) {
        var words = Self.words(text)[...]
        while let word = words.popFirst() {
            var assignment: Substring
            if word == "-c" {
                guard let next = words.popFirst() else { throw .unsupportedOptions }
                assignment = Substring(next)
            } else if word.hasPrefix("--") {
                assignment = word.dropFirst(2)
            } else if word.hasPrefix("-c") {
                assignment = word.dropFirst(2)
            } else {
                throw .unsupportedOptions
            }
            guard let equals = assignment.firstIndex(of: "=") else { throw .unsupportedOptions }
            let name = String(assignment[..<equals].map { $0 == "-" ? "_" : $0 })
            let value = String(assignment[assignment.index(after: equals)...])
            if let place = self.parameters.place(of: name) {
                wanted[place] = value
            } else if !self.settings.global.ignoreStartupParameters.contains(name) {
                throw .unsupportedOption(name)
            }
        }
    }

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
