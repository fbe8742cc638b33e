/// The 64 bits that travel through the kernel with an operation or an event.
///
/// Generation (32), what it is (8), index (24): never a descriptor, which the kernel reuses
/// while an old operation may still complete.
struct EventTag {
    enum Kind: UInt8 {
        case socket = 0
        case listener = 1
        case wake = 2
        case receive = 3
        case send = 4
        case connect = 5
        case cancel = 6
    }

    let bits: UInt64

    init(bits: UInt64) {
        self.bits = bits
    }

    init(_ kind: Kind, index: Int = 0, generation: UInt32 = 0) {
        self.bits =
            UInt64(generation) << 32 | UInt64(kind.rawValue) << 24
            | UInt64(UInt32(truncatingIfNeeded: index) & 0xff_ffff)
    }

    /// `nil` for bits that no tag of ours has.
    var kind: Kind? { Kind(rawValue: UInt8(truncatingIfNeeded: self.bits >> 24)) }
    var index: Int { Int(self.bits & 0xff_ffff) }
    var generation: UInt32 { UInt32(truncatingIfNeeded: self.bits >> 32) }

    var socket: SocketID {
        SocketID(index: UInt32(truncatingIfNeeded: self.index), generation: self.generation)
    }
}
