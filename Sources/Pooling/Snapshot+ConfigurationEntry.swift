extension Snapshot {
    /// One setting: a row of SHOW CONFIG. Secrets come redacted.
    public struct ConfigurationEntry: Equatable, Sendable {
        /// The key.
        public var key: String
        /// The value in force, as a configuration file would have it.
        public var value: String?
        /// The value without any configuration; nil where there is none.
        public var defaultValue: String?
        /// Whether SET and RELOAD change it.
        public var changeable: Bool

        /// Creates a row.
        public init(key: String, value: String?, defaultValue: String?, changeable: Bool) {
            self.key = key
            self.value = value
            self.defaultValue = defaultValue
            self.changeable = changeable
        }
    }
}
