import CLinux

/// How many descriptors the process may have (RLIMIT_NOFILE).
public struct DescriptorLimit: Equatable, Sendable {
    /// The limit that holds now.
    public let soft: UInt64
    /// How far an unprivileged process may raise it.
    public let hard: UInt64

    /// The limits as they are.
    public static var current: DescriptorLimit {
        var soft: UInt64 = 0
        var hard: UInt64 = 0
        unsafe weir_descriptor_limit(&soft, &hard)
        return DescriptorLimit(soft: soft, hard: hard)
    }

    /// Raises the soft limit to the hard one, or as near to `wanted` as the hard one allows;
    /// never lowers it. Returns the limits that hold afterwards, for the caller to compare with
    /// what its settings need.
    @discardableResult
    public static func raise(to wanted: UInt64? = nil) -> DescriptorLimit {
        let before = self.current
        let target = min(wanted ?? before.hard, before.hard)
        if target > before.soft {
            self.setSoft(target)
        }
        return self.current
    }

    /// Sets the soft limit, lower ones too; says whether the kernel agreed.
    @discardableResult
    static func setSoft(_ limit: UInt64) -> Bool {
        weir_set_descriptor_limit(limit) == 0
    }
}
