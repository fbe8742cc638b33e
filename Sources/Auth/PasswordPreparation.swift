/// SASLprep (RFC 4013) of passwords, as PostgreSQL does it.
///
/// ASCII is taken as it is. Other UTF-8 has its spaces unified, invisible characters removed and
/// is brought into form NFKC. What SASLprep prohibits (characters that Unicode 3.2 did not have,
/// control and private ones, mixed writing directions), and what is not UTF-8, is hashed as it
/// came: PostgreSQL allows such passwords too. Both sides of a login have to agree on every
/// byte, so PostgreSQL's order of steps counts here, not the RFC's.
enum PasswordPreparation {
    /// Returns the bytes that are hashed for a password.
    static func prepare(_ password: [UInt8]) -> [UInt8] {
        guard
            password.contains(where: { $0 >= 0x80 }),
            let text = String(validating: password, as: UTF8.self)
        else { return password }
        let mapped = text.unicodeScalars.compactMap { Self.map($0) }
        guard
            !mapped.isEmpty,
            mapped.allSatisfy({ Self.isAllowed($0) }),
            Self.hasOneDirection(mapped.map(\.value))
        else { return password }
        var prepared = String.UnicodeScalarView()
        for value in CompatibilityNormalization.normalize(mapped.map(\.value)) {
            guard let scalar = Unicode.Scalar(value) else { return password }
            prepared.append(scalar)
        }
        return Array(String(prepared).utf8)
    }

    /// Maps a character: spaces beyond ASCII (table C.1.2) become a space, what table B.1 lists
    /// is removed.
    private static func map(_ scalar: Unicode.Scalar) -> Unicode.Scalar? {
        switch scalar.value {
        case 0xA0, 0x1680, 0x2000...0x200B, 0x202F, 0x205F, 0x3000: " "
        case 0xAD, 0x34F, 0x1806, 0x180B...0x180D, 0x200C...0x200D, 0x2060, 0xFE00...0xFE0F,
            0xFEFF:
            nil
        default: scalar
        }
    }

    /// Whether the tables C.2.1 to C.9 and A.1 leave a character alone.
    private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        // C.2.1 and C.2.2: controls.
        case 0...0x1F, 0x7F...0x9F, 0x6DD, 0x70F, 0x180E, 0x2028, 0x2029, 0x2061...0x2063,
            0x206A...0x206F, 0xFFF9...0xFFFC, 0x1_D173...0x1_D17A:
            return false
        // C.6 to C.9: not for plain text, not canonical, deprecated, tags.
        case 0xFFFD, 0x2FF0...0x2FFB, 0x340...0x341, 0x200E...0x200F, 0x202A...0x202E,
            0xE_0001, 0xE_0020...0xE_007F:
            return false
        default:
            break
        }
        let properties = scalar.properties
        // C.3 and C.4: private use and no characters at all.
        guard properties.generalCategory != .privateUse, !properties.isNoncharacterCodePoint,
            let age = properties.age
        else { return false }
        // A.1: unassigned in Unicode 3.2.
        return (age.major, age.minor) <= (3, 2)
    }

    private static let rightToLeft = CodePointTable.ranges(DirectionTable.rightToLeft)
    private static let leftToRight = CodePointTable.ranges(DirectionTable.leftToRight)

    /// Whether text that has right-to-left characters begins and ends with one, and has no
    /// left-to-right ones.
    private static func hasOneDirection(_ characters: [UInt32]) -> Bool {
        func isRightToLeft(_ character: UInt32) -> Bool {
            Self.rightToLeft.contains { $0.contains(character) }
        }
        guard
            let first = characters.first,
            let last = characters.last,
            characters.contains(where: isRightToLeft)
        else { return true }
        return isRightToLeft(first) && isRightToLeft(last)
            && !characters.contains { character in
                Self.leftToRight.contains { $0.contains(character) }
            }
    }
}
