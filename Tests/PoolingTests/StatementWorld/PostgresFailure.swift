/// An error of the simulated PostgreSQL.
struct PostgresFailure: Error {
    var code: String
    var text: String
    /// It is about the session's own copy of a statement.
    var isOfCopy = false

    init(_ code: String, _ text: String, isOfCopy: Bool = false) {
        self.code = code
        self.text = text
        self.isOfCopy = isOfCopy
    }

    static let canceled = PostgresFailure("57014", "canceling statement due to user request")
    static let aborted = PostgresFailure("25P02", "current transaction is aborted")
    static let changed = PostgresFailure(
        "0A000",
        "cached plan must not change result type",
        isOfCopy: true
    )

    static func missing(_ name: String) -> PostgresFailure {
        PostgresFailure(
            "26000",
            name.isEmpty
                ? "unnamed prepared statement does not exist"
                : "prepared statement \"\(name)\" does not exist",
            isOfCopy: true
        )
    }
}
