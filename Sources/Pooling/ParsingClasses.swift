/// Numbers for what clients have set that the meaning of a statement may depend on: two clients
/// have the same number exactly if they have set the same.
///
/// A number is never given out twice, so that whoever remembers one cannot take it for another.
public struct ParsingClasses: Sendable {
    private struct Key: Hashable {
        var parameters: [String?]
        var settings: [SettingValue]
    }

    private var numbers: [Key: Int] = [:]
    private var holders: [Int: (key: Key, count: Int)] = [:]
    private var last = 0

    /// Creates the table.
    public init() {}

    /// How many classes somebody is of.
    public var count: Int { self.numbers.count }

    /// Takes a hold of a class's number.
    ///
    /// - Parameters:
    ///   - parameters: the values of all followed parameters but those that do not matter.
    ///   - settings: what else is set; what does not matter of it is left out here.
    public mutating func hold(parameters: [String?], settings: [SettingValue]) -> Int {
        let key = Key(
            parameters: parameters,
            settings: settings.filter { SettingNames.affectsParsing($0.name) }
        )
        if let number = self.numbers[key] {
            self.holders[number]?.count += 1
            return number
        }
        self.last += 1
        self.numbers[key] = self.last
        self.holders[self.last] = (key, 1)
        return self.last
    }

    /// Gives a hold back.
    public mutating func release(_ number: Int) {
        guard let entry = self.holders[number] else { return }
        if entry.count > 1 {
            self.holders[number] = (entry.key, entry.count - 1)
        } else {
            self.holders[number] = nil
            self.numbers[entry.key] = nil
        }
    }
}
