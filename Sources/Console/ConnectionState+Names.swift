import Pooling

/// PgBouncer's words for where a connection stands.
extension Snapshot.Connection.State {
    /// Whether it is a client's.
    var isClient: Bool {
        switch self {
        case .client: true
        case .server: false
        }
    }

    /// In SHOW CLIENTS and SHOW SERVERS.
    var name: String {
        switch self {
        case .client(let state):
            switch state {
            case .active: "active"
            case .idle: "idle"
            case .waiting: "waiting"
            case .activeCancel: "active_cancel_req"
            case .waitingCancel: "waiting_cancel_req"
            case .login: "login"
            }
        case .server(let state):
            switch state {
            case .active: "active"
            case .idle: "idle"
            case .used: "used"
            case .tested: "tested"
            case .login: "new"
            case .activeCancel: "active_cancel"
            case .beingCanceled: "being_canceled"
            }
        }
    }

    /// In SHOW SOCKETS, where idle clients count as active and the side is part of the word.
    var socketName: String {
        switch self {
        case .client(.idle): "cl_active"
        case .client: "cl_" + self.name
        case .server(.login): "sv_login"
        case .server: "sv_" + self.name
        }
    }
}
