/// How long and how many the parts of a configuration may be.
enum SettingsLimits {
    /// A database's name, as PostgreSQL and PgBouncer limit it.
    static let databaseNameBytes = 63
    /// A user's name, as PgBouncer limits it.
    static let userNameBytes = 127
    /// A password, as PgBouncer limits it.
    static let passwordBytes = 2_047
    /// How deep `%include` may nest, as PgBouncer limits it.
    static let includeDepth = 10
    /// How many files one configuration may include, so that a file which includes itself twice
    /// ends soon.
    static let includedFiles = 1_000
    /// The longest path of a Unix socket that the kernel takes, without its terminating zero.
    static let socketPathBytes = 107
    /// How many mistakes are reported; a binary file given by mistake has thousands.
    static let reportedErrors = 100
}
