/// What the admin console shows and changes.
extension Settings {
    /// The rows of `SHOW CONFIG`: PgBouncer's keys in its order, then the new ones.
    public func configRows() -> [ConfigRow] {
        let defaults = GlobalSettings()
        return SettingTable.global.map { setting in
            let value = setting.read(self.global)
            return ConfigRow(
                key: setting.name,
                value: setting.isSecret && !value.isEmpty ? RedactedText(value).description : value,
                default: setting.showsDefault ? setting.read(defaults) : nil,
                changeable: setting.isReloadable
            )
        }
    }

    /// Gives one global key another value, as `SET key = value` does. It lasts until a reload.
    ///
    /// - Throws: When the key does not exist or is not supported, when it cannot have that value,
    ///   or when the value contradicts the other settings.
    public func setting(_ key: String, to value: String) throws(SettingsErrors) -> SetOutcome {
        if let index = SettingTable.globalIndex[key], !SettingTable.global[index].isReloadable {
            return .notReloadable
        }
        var builder = SettingsBuilder(continuing: self)
        builder.setGlobal(key, to: value, at: .console)
        return .changed(try builder.finished())
    }
}
