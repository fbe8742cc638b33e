import Pooling

/// A command of the console that is done when something has come true.
struct PendingControl {
    let client: ClientID
    let command: ControlCommand
    /// Names it to the other workers.
    let ticket: Int
    /// Workers that have not said that they have done it.
    var answersDue: Int
    /// Some worker has found what the command is about.
    var wasFound = false

    /// What the client is told when all have answered.
    var outcome: ControlOutcome {
        if case .killClient = self.command, !self.wasFound { return .refused(.clientNotFound) }
        return .success
    }
}

extension ControlCommand {
    /// Whether every worker says when it has done the command, since only it can tell.
    var isAnsweredByAll: Bool {
        switch self {
        case .suspend, .waitClose, .killClient: true
        default: false
        }
    }
}
