import ArgumentParser

/// The `KEY=VALUE` of a `--set`.
struct SettingAssignment: ExpressibleByArgument {
    /// The setting's name.
    let key: String
    /// Its value, possibly empty.
    let value: String

    /// Takes an argument apart at its first `=`; nil where there is none or no key before it.
    init?(argument: String) {
        guard let equals = argument.firstIndex(of: "="), equals != argument.startIndex else {
            return nil
        }
        self.key = String(argument[..<equals])
        self.value = String(argument[argument.index(after: equals)...])
    }
}
