/// Random numbers that a seed repeats exactly (SplitMix64), so that a failure can be run again.
public struct SeededRandom: RandomNumberGenerator, Sendable {
    /// What repeats the numbers.
    public let seed: UInt64
    private var state: UInt64
    /// Numbers that come before those of the seed.
    private var script: ArraySlice<UInt8> = []

    /// Takes the numbers from a fuzzer's bytes, one each, and then those of a fixed seed: so what
    /// the fuzzer changes in one place changes one choice.
    public init(script: [UInt8]) {
        self.init(seed: 0)
        self.script = script[...]
    }

    /// Whether the script, if there was one, is at its end.
    public var isAtScriptsEnd: Bool { self.script.isEmpty }

    /// Starts the numbers of `seed`.
    public init(seed: UInt64) {
        self.seed = seed
        self.state = seed
    }

    public mutating func next() -> UInt64 {
        if let byte = self.script.popFirst() { return UInt64(byte) }
        self.state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// A number from 0 to one below `bound`, which is above 0. The bias of the remainder matters to
    /// no test.
    public mutating func below(_ bound: Int) -> Int {
        Int(truncatingIfNeeded: self.next() % UInt64(bound))
    }

    /// True in `percent` of a hundred cases.
    public mutating func chance(_ percent: Int) -> Bool { self.below(100) < percent }

    /// One of `choices`, which are not empty.
    public mutating func pick<Choice>(_ choices: [Choice]) -> Choice {
        choices[self.below(choices.count)]
    }
}
