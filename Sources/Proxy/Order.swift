import Pooling

/// A command that the first worker has accepted, for all others to carry out.
struct Order: Sendable {
    /// Names the order in the answer.
    var ticket: Int
    var command: ControlCommand
}
