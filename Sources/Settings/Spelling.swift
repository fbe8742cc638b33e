/// Finds the key that somebody meant.
enum Spelling {
    /// The name that differs from a word in at most two letters (one for short words).
    ///
    /// - Returns: `nil` when no name is that near.
    static func nearest(to word: String, among names: [String]) -> String? {
        guard word.utf8.count <= 64 else { return nil }
        let limit = word.utf8.count < 6 ? 1 : 2
        let near = names.filter { abs($0.utf8.count - word.utf8.count) <= limit }
        let ranked = near.map { (name: $0, distance: Self.distance(word, $0)) }
        return ranked.filter { $0.distance <= limit }.min { $0.distance < $1.distance }?.name
    }

    /// How many bytes must be added, taken away or replaced to get from one word to the other.
    static func distance(_ left: String, _ right: String) -> Int {
        let right = Array(right.utf8)
        var row = Array(0...right.count)
        for (index, byte) in left.utf8.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for column in right.indices {
                let replaced = diagonal + (byte == right[column] ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(replaced, diagonal + 1, row[column] + 1)
            }
        }
        return row[right.count]
    }
}
