import CLinux
import Glibc

/// Memory for what submission entries point to: message headers, vectors, addresses.
///
/// One place per entry of the submission queue: the kernel has copied what an entry points to
/// when it takes the entry (`IORING_FEAT_SUBMIT_STABLE`), and only then is the entry used again.
@safe
struct SubmissionStaging {
    /// Runs offered in one send.
    static let mostSegments = 16

    private let messages: UnsafeMutablePointer<msghdr>
    private let vectors: UnsafeMutablePointer<iovec>
    private let addresses: UnsafeMutablePointer<sockaddr_storage>

    init(entries: Int) {
        unsafe self.messages = .allocate(capacity: entries)
        unsafe self.vectors = .allocate(capacity: entries * Self.mostSegments)
        unsafe self.addresses = .allocate(capacity: entries)
    }

    func deallocate() {
        unsafe self.messages.deallocate()
        unsafe self.vectors.deallocate()
        unsafe self.addresses.deallocate()
    }

    func vectors(_ place: Int) -> UnsafeMutablePointer<iovec> {
        unsafe self.vectors + place * Self.mostSegments
    }

    /// A message header over the first vectors of a place.
    func message(_ place: Int, segments: Int) -> UnsafeMutablePointer<msghdr> {
        let message = unsafe self.messages + place
        var header = unsafe msghdr()
        unsafe header.msg_iov = self.vectors(place)
        unsafe header.msg_iovlen = segments
        unsafe message.initialize(to: header)
        return unsafe message
    }

    /// The kernel's form of an address.
    func address(
        _ place: Int,
        _ address: SocketAddress
    ) -> (UnsafePointer<sockaddr>, socklen_t) {
        let storage = unsafe self.addresses + place
        let length = unsafe address.write(to: storage)
        return unsafe (
            UnsafeRawPointer(storage).assumingMemoryBound(to: sockaddr.self), length
        )
    }
}
