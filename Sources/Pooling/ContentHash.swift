/// 128 bits that stand for what they were made of: two are equal only if that is equal.
///
/// They are cut from a cryptographic digest that begins with a secret of the process, so nobody can
/// look for two statements that have the same one; and all workers make the same one of the same
/// content, so that a server connection which goes from one to another can say what it holds.
public struct ContentHash: Hashable, Sendable {
    /// The first eight bytes.
    public var high: UInt64
    /// The next eight.
    public var low: UInt64

    /// Creates a hash from its two halves.
    @inlinable
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Makes one of content. Comes from outside, since nothing here computes digests.
    public typealias Maker = @Sendable ([UInt8]) -> ContentHash

    /// The hash of nothing in particular, for what has not been computed.
    public static let none = ContentHash(high: 0, low: 0)

    /// The bytes, the first one first.
    public var bytes: [UInt8] {
        [self.high, self.low].flatMap { half in
            stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: half >> $0) }
        }
    }

    /// The name of the prepared statement that this is the hash of, as servers get it: ends with
    /// its zero.
    var statementName: [UInt8] {
        let digits = Array("0123456789abcdef".utf8)
        return Array("weir_".utf8)
            + self.bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] } + [0]
    }
}
