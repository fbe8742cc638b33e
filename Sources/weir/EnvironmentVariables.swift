// `environ` is a global variable of C. Only the start reads it, before there is a second thread,
// and nothing here writes it.
@unsafe @preconcurrency import Glibc

/// Settings from the environment: `WEIR_POOL_MODE=transaction`.
enum EnvironmentVariables {
    private static let prefix = "WEIR_"

    /// The variables that start with `WEIR_`, as keys of the configuration, sorted.
    static func settings() -> [(key: String, value: String)] {
        var settings: [(key: String, value: String)] = []
        var entry = unsafe environ
        while let text = unsafe entry.pointee {
            unsafe entry += 1
            let variable = unsafe String(cString: text)
            guard variable.hasPrefix(Self.prefix), let equals = variable.firstIndex(of: "=") else {
                continue
            }
            let key = variable[..<equals].dropFirst(Self.prefix.count).lowercased()
            settings.append((key, String(variable[variable.index(after: equals)...])))
        }
        return settings.sorted { $0.key < $1.key }
    }

    /// One variable's value, by its whole name; nil where it is unset or empty.
    static func value(of name: String) -> String? {
        guard let text = unsafe getenv(name) else { return nil }
        let value = unsafe String(cString: text)
        return value.isEmpty ? nil : value
    }
}
