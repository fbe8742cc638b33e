/// Unicode's normalization form KC, which the standard library does not offer.
///
/// It covers the characters of Unicode 3.2, whose normalization later versions keep; that is
/// what SASLprep needs (`PasswordPreparation`). The tables are read once, when they are first
/// needed: most passwords never need them.
enum CompatibilityNormalization {
    /// Returns the characters in form NFKC.
    static func normalize(_ characters: [UInt32]) -> [UInt32] {
        var decomposed = characters.flatMap { Self.decompose($0) }
        Self.order(&decomposed)
        return Self.compose(decomposed)
    }

    /// Hangul syllables are composed by arithmetic (Unicode, chapter 3.12).
    private enum Hangul {
        static let syllables: Range<UInt32> = 0xAC00..<0xD7A4
        static let leading: Range<UInt32> = 0x1100..<0x1113
        static let vowels: Range<UInt32> = 0x1161..<0x1176
        /// The first one stands for "no trailing consonant".
        static let trailing: Range<UInt32> = 0x11A7..<0x11C3
    }

    private struct Pair: Hashable {
        let first: UInt32
        let second: UInt32
    }

    private static let decompositions: [UInt32: [UInt32]] = {
        var table = CodePointTable(DecompositionTable.text)
        var decompositions: [UInt32: [UInt32]] = [:]
        var last: UInt32 = 0
        while table.hasItem() {
            let first = last + table.number()
            last = table.take("+") ? first + table.number() : first
            guard table.take(":") else { preconditionFailure("\(first) without decomposition") }
            let target = table.numbers()
            for offset in 0...(last - first) {
                decompositions[first + offset] = [target[0] + offset] + target[1...]
            }
        }
        return decompositions
    }()

    private static let composites: [Pair: UInt32] = {
        var table = CodePointTable(CompositionTable.text)
        var composites: [Pair: UInt32] = [:]
        var last: UInt32 = 0
        while table.hasItem() {
            last += table.number()
            guard table.take(":") else { preconditionFailure("\(last) without parts") }
            let parts = table.numbers()
            composites[Pair(first: parts[0], second: parts[1])] = last
        }
        return composites
    }()

    private static func decompose(_ character: UInt32) -> [UInt32] {
        guard Hangul.syllables.contains(character) else {
            return Self.decompositions[character] ?? [character]
        }
        let index = character - Hangul.syllables.lowerBound
        let trailing = UInt32(Hangul.trailing.count)
        let block = UInt32(Hangul.vowels.count) * trailing
        let parts = [
            Hangul.leading.lowerBound + index / block,
            Hangul.vowels.lowerBound + index % block / trailing,
        ]
        let last = index % trailing
        return last == 0 ? parts : parts + [Hangul.trailing.lowerBound + last]
    }

    /// Sorts each run of combining characters by class, those of one class staying in order.
    private static func order(_ characters: inout [UInt32]) {
        let classes = characters.map { Self.combiningClass($0) }
        var start = 0
        while start < characters.count {
            guard classes[start] != 0 else {
                start += 1
                continue
            }
            let end = classes[start...].firstIndex(of: 0) ?? characters.count
            let sorted = (start..<end).sorted {
                (classes[$0], $0) < (classes[$1], $1)
            }
            characters.replaceSubrange(start..<end, with: sorted.map { characters[$0] })
            start = end
        }
    }

    /// Composes each character with the last starter, unless something stands between them.
    private static func compose(_ characters: [UInt32]) -> [UInt32] {
        var composed: [UInt32] = []
        var starter: Int?
        var lastClass: UInt8 = 0
        for character in characters {
            let combiningClass = Self.combiningClass(character)
            if let starter {
                let isAdjacent = starter == composed.count - 1
                if isAdjacent || (lastClass != 0 && lastClass < combiningClass),
                    let composite = Self.composite(composed[starter], character)
                {
                    composed[starter] = composite
                    continue
                }
            }
            if combiningClass == 0 { starter = composed.count }
            lastClass = combiningClass
            composed.append(character)
        }
        return composed
    }

    private static func composite(_ first: UInt32, _ second: UInt32) -> UInt32? {
        let trailing = UInt32(Hangul.trailing.count)
        if Hangul.leading.contains(first), Hangul.vowels.contains(second) {
            let leading = first - Hangul.leading.lowerBound
            let vowel = second - Hangul.vowels.lowerBound
            let pair = leading * UInt32(Hangul.vowels.count) + vowel
            return Hangul.syllables.lowerBound + pair * trailing
        }
        if Hangul.syllables.contains(first),
            (first - Hangul.syllables.lowerBound) % trailing == 0,
            Hangul.trailing.dropFirst().contains(second)
        {
            return first + (second - Hangul.trailing.lowerBound)
        }
        return Self.composites[Pair(first: first, second: second)]
    }

    private static func combiningClass(_ character: UInt32) -> UInt8 {
        Unicode.Scalar(character)?.properties.canonicalCombiningClass.rawValue ?? 0
    }
}
