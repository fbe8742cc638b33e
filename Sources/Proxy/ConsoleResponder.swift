public import Pooling

/// What the data port needs of the admin console; the console itself is put in from outside.
public protocol ConsoleResponder: Sendable {
    /// What a console client is greeted with.
    var loginParameters: [(name: String, value: String)] { get }
    /// Which parts of a snapshot the answer reads; nil when it reads none.
    func parts(neededFor query: String, access: ConsoleAccess) -> Snapshot.Parts?
    /// Answers one Query message, or says what is to be done first.
    func answer(
        _ query: String,
        access: ConsoleAccess,
        snapshot: () -> Snapshot
    ) -> ConsoleAnswer
    /// The bytes that end a control command.
    func completion(of command: ControlCommand, outcome: ControlOutcome) -> [UInt8]
    /// What the extended protocol gets.
    func refuseExtendedProtocol() -> [UInt8]
}
