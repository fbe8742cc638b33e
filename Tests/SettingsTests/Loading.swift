@testable import Settings

/// Loads a configuration that must be right.
func load(
    _ text: String,
    environment: [(key: String, value: String)] = [],
    overrides: [(key: String, value: String)] = []
) throws -> Settings {
    try Settings(
        parsing: text,
        file: "weir.ini",
        environment: environment,
        overrides: overrides
    )
}

/// Loads a configuration that must be wrong and returns its errors as they would be printed.
func mistakes(
    in text: String,
    environment: [(key: String, value: String)] = [],
    overrides: [(key: String, value: String)] = []
) -> [String] {
    do {
        _ = try Settings(
            parsing: text,
            file: "weir.ini",
            environment: environment,
            overrides: overrides
        )
        return []
    } catch {
        return error.errors.map(\.description)
    }
}
