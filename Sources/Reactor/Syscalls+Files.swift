import CLinux
import Glibc

extension Syscalls {
    /// Which file a path names now.
    static func identity(ofFile path: String) -> (device: UInt64, inode: UInt64)? {
        var status = stat()
        if unsafe lstat(path, &status) != 0 {
            return nil
        }
        return (UInt64(status.st_dev), UInt64(status.st_ino))
    }

    static func removeFile(_ path: String) {
        unsafe unlink(path)
    }

    /// Sets a file's permissions and, unless `nil`, its group.
    static func setOwner(_ path: String, mode: UInt32, group: UInt32?) -> Int32 {
        if let group {
            let outcome = self.result32 { unsafe chown(path, uid_t.max, group) }
            if outcome < 0 {
                return outcome
            }
        }
        return self.result32 { unsafe chmod(path, mode & 0o777) }
    }
}
