/// Commands that leave nothing behind in a session, whatever follows, unless they name one of
/// PostgreSQL's functions and schemas for that.
///
/// A raw value is the command's first word: five bits a letter, the first letter in front. So a
/// word is compared as one integer.
enum HarmlessCommand: UInt64, CaseIterable {
    case select = 0x2656_1474
    case insert = 0x12e9_9654
    case update = 0x2b02_0685
    case delete = 0x856_1685
    case begin = 0x22_9d2e
    case commit = 0x6f6_b534
    case with = 0xb_a688
    case rollback = 0x93_d8c1_046b
    case end = 0x15c4
    case start = 0x13a_0654
    case abort = 0x11_3e54
    case savepoint = 0x130d_8b07_a5d4
    case release = 0x4_8ac2_8665
    case values = 0x2c16_54b3
    case copy = 0x1_be19
    case table = 0x140_8985
    case show = 0x9_a1f7
    case fetch = 0x62_d068
    case move = 0x6_bec5
    case truncate = 0xa4_aae1_8685
    case merge = 0xd2_c8e5
    case lock = 0x6_3c6b
    case notify = 0x1cfa_24d9
    case vacuum = 0x2c11_d6ad
    case analyze = 0x5c16_6745

    /// The longest of them, and more than fits in its five bits a letter.
    static let lengthMax = 12

    /// A word with one more letter.
    static func appending(_ letter: UInt8, to word: UInt64) -> UInt64 {
        word << 5 | UInt64(letter & 0x1f)
    }
}
