import Glibc

/// The user whom the process is to become.
///
/// Must be used while there is one thread: only then does glibc change the whole process at once
/// without asking others.
struct ProcessUser {
    private let name: String
    private let userID: uid_t
    private let groupID: gid_t

    /// Looks up a user by name.
    init(named name: String) throws(StartFailure) {
        errno = 0
        guard let entry = unsafe getpwnam(name) else {
            let reason = errno == 0 ? "there is no such user" : SystemError.last.description
            throw .user(name, reason: reason)
        }
        self.name = name
        self.userID = unsafe entry.pointee.pw_uid
        self.groupID = unsafe entry.pointee.pw_gid
        if self.userID == 0 { throw .isRoot }
    }

    /// Throws if the process holds root's rights.
    static func refuseRoot() throws(StartFailure) {
        if getuid() == 0 || geteuid() == 0 { throw .isRoot }
    }

    /// Makes an empty file that this user may write, where there is none yet.
    ///
    /// Lets root's directories such as `/var/run` hold files of the user. A file that exists is
    /// left as it is, and links are not followed: its directory may be somebody's who would lead
    /// root to another file.
    func prepareFile(_ path: String, mode: mode_t) throws(SystemError) {
        guard geteuid() == 0, !path.isEmpty else { return }
        do throws(SystemError) {
            let file = try FileDescriptor(
                opening: path,
                O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW,
                mode: mode
            )
            guard fchown(file.number, self.userID, self.groupID) == 0 else { throw .last }
        } catch {
            guard error.number == EEXIST else { throw error }
        }
    }

    /// Becomes the user, for good: groups, group, user, in this order.
    func become() throws(StartFailure) {
        if geteuid() != 0, getuid() == self.userID { return }
        guard geteuid() == 0 else {
            throw .user(self.name, reason: "only root can change the user")
        }
        guard unsafe initgroups(self.name, self.groupID) == 0,
            setgid(self.groupID) == 0,
            setuid(self.userID) == 0
        else { throw .user(self.name, reason: SystemError.last.description) }
        guard setuid(0) != 0 else {
            throw .user(self.name, reason: "root's rights could be taken back")
        }
    }
}
