import Pooling

extension ControlCommand {
    /// The tag of its CommandComplete; nil where none is ever sent.
    var tag: String? {
        switch self {
        case .pause: "PAUSE"
        case .resume: "RESUME"
        case .suspend: "SUSPEND"
        case .disable: "DISABLE"
        case .enable: "ENABLE"
        case .reconnect: "RECONNECT"
        case .waitClose: "WAIT_CLOSE"
        case .kill: "KILL"
        case .killClient: "KILL_CLIENT"
        case .reload: "RELOAD"
        case .set(let key, let value): "SET \(key)=\(value)"
        case .shutdown(.immediate): nil
        case .shutdown: "SHUTDOWN"
        }
    }
}
