/// What PostgreSQL makes of the values that clients ask for when they log in: `utf-8` is `UTF8`,
/// and `ISO` is `ISO, MDY` where that is the order of the day.
///
/// Learned from what servers report, rather than modelled. So a client can be greeted with what
/// PostgreSQL would have said, and a server that stands so already needs no query.
public struct Spellings: Sendable {
    private struct Asked: Hashable {
        var place: Int
        var value: String
    }

    private var known: [Asked: String] = [:]

    /// How many are kept; beyond that all are learned again, since clients can make up any number.
    public static let countMax = 64

    /// The longest value that is kept, in bytes.
    public static let lengthMax = 256

    /// Creates an empty table.
    public init() {}

    /// How many spellings are known.
    public var count: Int { self.known.count }

    /// Remembers what became of values: both by their place among the followed parameters. Returns
    /// the places where something else came of them.
    public mutating func learn(_ asked: [String?], became actual: [String?]) -> [Int] {
        var places: [Int] = []
        for (place, values) in zip(asked, actual).enumerated() {
            guard let asked = values.0, let actual = values.1, asked != actual else { continue }
            places.append(place)
            guard asked.utf8.count <= Self.lengthMax else { continue }
            if self.known.count >= Self.countMax { self.known.removeAll() }
            self.known[Asked(place: place, value: asked)] = actual
        }
        return places
    }

    /// The values as PostgreSQL spells them, as far as that is known.
    public func spelled(_ values: [String?]) -> [String?] {
        if self.known.isEmpty { return values }
        var spelled = values
        for (place, value) in values.enumerated() {
            guard let value, let actual = self.known[Asked(place: place, value: value)] else {
                continue
            }
            spelled[place] = actual
        }
        return spelled
    }
}
