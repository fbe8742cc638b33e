/// How a slow-query record is written.
public enum SlowQueryFormat: String, Sendable, Equatable, CaseIterable {
    /// One JSON object a line.
    case json
}
