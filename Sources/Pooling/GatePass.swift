/// One stay of one member in the fleet's gate.
///
/// Who waits for the gate tells by the number whether it has been held by one pass all the time, or
/// by passes of the same member with others in between.
public struct GatePass: Hashable, Sendable {
    /// Who is in the gate.
    public var member: UInt64
    /// Which of its passes; a member counts them from 1.
    public var number: UInt32

    /// Creates a pass.
    public init(member: UInt64, number: UInt32) {
        self.member = member
        self.number = number
    }
}
