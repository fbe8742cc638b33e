import Auth
import Proxy
import Settings

/// A configuration that no file holds and nothing changes.
struct FixedConfiguration: ConfigurationSource {
    let settings: Settings

    func settings(from path: String?) throws(ConfigurationFailure) -> Settings { self.settings }

    func users(for settings: Settings) throws(ConfigurationFailure) -> UserList { UserList() }

    func usersChanged(for settings: Settings) -> Bool { false }

    func reopenLogs() {}
}
