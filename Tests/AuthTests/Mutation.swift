/// Damages a message in one to four ways.
enum Mutation {
    /// Bytes that mean something to one of the parsers.
    private static let special = Array(",=\0\u{7F}nypamrscievAz0+/-".utf8) + [0xFF, 0x80, 0xC3]

    /// Returns a message that differs from the one given.
    static func damage(
        _ message: [UInt8],
        using random: inout SplitMix64
    ) -> [UInt8] {
        var damaged = message
        repeat {
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                self.damageOnce(&damaged, using: &random)
            }
        } while damaged == message
        return damaged
    }

    private static func damageOnce(_ message: inout [UInt8], using random: inout SplitMix64) {
        let count = message.count
        let place = count == 0 ? 0 : Int.random(in: 0..<count, using: &random)
        let byte =
            Bool.random(using: &random)
            ? self.special.randomElement(using: &random) ?? 0
            : UInt8.random(in: 0...255, using: &random)
        switch Int.random(in: 0..<9, using: &random) {
        case 0: message.insert(byte, at: place)
        case 1 where count > 0: message.remove(at: place)
        case 2: message.removeSubrange(place...)
        case 3: message.removeSubrange(..<place)
        case 4: message += message[place...]
        case 5: message.append(byte)
        case 6: message.insert(contentsOf: [UInt8](repeating: byte, count: 40), at: place)
        case 7 where count > 0: message[place] ^= 1 << UInt8.random(in: 0...7, using: &random)
        default: if count > 0 { message[place] = byte }
        }
    }
}
