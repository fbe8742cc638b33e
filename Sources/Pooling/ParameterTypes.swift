import Wire

/// The types of a statement's parameters, as a ParameterDescription and a Parse give them: a count,
/// and as many numbers.
enum ParameterTypes {
    /// A hash of them; never 0.
    static func hash(_ bytes: Span<UInt8>, in range: Range<Int>) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for index in range { hash = (hash ^ UInt64(bytes[index])) &* 0x0000_0100_0000_01b3 }
        return max(hash, 1)
    }
}
