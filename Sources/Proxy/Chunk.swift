/// The bytes that are being looked at: those of a completion, which may be forwarded in place, or
/// those of a stash, which are copied.
@safe
struct Chunk {
    let bytes: UnsafeRawBufferPointer

    /// The completion whose buffer this is; -1 for a stash.
    let completion: Int

    var count: Int { unsafe self.bytes.count }

    func slice(_ range: Range<Int>) -> UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(rebasing: self.bytes[range])
    }
}
