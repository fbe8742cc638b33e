import Wire

/// What a client knows of a statement's result by its description: the columns' names and types.
///
/// By these PostgreSQL itself decides whether a cached plan may change ("cached plan must not
/// change result type"); the table that a column comes from is not among them, so that a table
/// which was made again is the same.
enum ResultShape {
    /// The shape of a statement that returns no rows.
    static let none: UInt64 = 1

    /// The shape that the body of a RowDescription tells of; never 0.
    static func hash(_ bytes: Span<UInt8>, in range: Range<Int>) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        func add(_ part: Range<Int>) {
            for index in part { hash = (hash ^ UInt64(bytes[index])) &* 0x0000_0100_0000_01b3 }
        }
        // A count; then for each column its name, table (4), attribute (2), type (4), size (2),
        // modifier (4) and format (2).
        var position = range.lowerBound + 2
        while position < range.upperBound,
            let end = bytes.terminator(in: position..<range.upperBound),
            end + 19 <= range.upperBound
        {
            add(position..<end + 1)
            add(end + 7..<end + 17)
            position = end + 19
        }
        return max(hash, 2)
    }
}
