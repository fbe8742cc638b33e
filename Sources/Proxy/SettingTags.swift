/// What a client's transaction has done to settings, by the tags of the commands that it has
/// completed.
struct SettingTags: OptionSet {
    let rawValue: UInt8

    /// SET, which may have been SET … TO DEFAULT.
    static let set = SettingTags(rawValue: 1)
    /// RESET or DISCARD ALL.
    static let reset = SettingTags(rawValue: 2)
}
