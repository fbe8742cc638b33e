public import Wire

/// The keys handed out to clients: one table, from a process ID to the one client that it belongs
/// to and the secret that proves it.
///
/// Keys come from outside, since randomness does; one whose process ID is taken is refused, so that
/// the caller draws again.
public struct CancelKeys: Sendable {
    /// A secret in place: an idle client should cost little.
    private struct Secret {
        var length: Int
        var high: UInt64 = 0
        var low: UInt64 = 0

        init(_ bytes: [UInt8]) {
            self.length = bytes.count
            for byte in bytes.prefix(CancelKeys.longSecretLength) {
                self.high = self.high << 8 | self.low >> 56
                self.low = self.low << 8 | UInt64(byte)
            }
        }

        /// Takes the same time wherever the first difference is.
        func matches(_ other: Secret) -> Bool {
            let difference = (self.high ^ other.high) | (self.low ^ other.low)
            return difference == 0 && self.length == other.length
        }
    }

    private struct Entry {
        var client: ClientID
        var secret: Secret
    }

    private var entries: [UInt32: Entry] = [:]

    /// The length of a secret in protocol 3.0, which knows no other.
    public static let shortSecretLength = 4

    /// The length of the secrets that clients of protocol 3.2 get: nobody guesses 128 bits.
    public static let longSecretLength = 16

    /// Creates an empty table.
    public init() {}

    /// How many keys are known.
    public var count: Int { self.entries.count }

    /// Gives `key` to `client`; false when somebody has its process ID.
    public mutating func insert(_ key: CancelKey, for client: ClientID) -> Bool {
        precondition(key.secret.count <= Self.longSecretLength, "a secret that is not kept whole")
        guard self.entries[key.processID] == nil else { return false }
        self.entries[key.processID] = Entry(client: client, secret: Secret(key.secret))
        return true
    }

    /// The most workers that keys tell apart.
    public static let workersMax = 64

    /// The worker that has handed out a key: part of the number, so that any worker knows where to
    /// take a cancel request.
    public static func worker(of key: CancelKey) -> Int {
        Int(key.processID % UInt32(Self.workersMax))
    }

    /// A process ID for a key of a worker, out of a random number.
    ///
    /// - Parameter origin: tells the processes apart that clients reach by one address; nil for a
    ///   process that is alone.
    public static func processID(_ random: UInt32, worker: Int, origin: UInt8?) -> UInt32 {
        // The top bit of a process ID is a sign to some clients.
        var number = random & 0x7fff_ffff
        if let origin { number = number & ~0x3fc0 | UInt32(origin) << 6 }
        return number / UInt32(Self.workersMax) * UInt32(Self.workersMax) + UInt32(worker)
    }

    /// The process that has handed out a key, where processes have such numbers: part of the key,
    /// so that any of them knows where to take a cancel request. Not all differ.
    public static func origin(of key: CancelKey) -> UInt8 {
        UInt8(truncatingIfNeeded: key.processID >> 6)
    }

    // MARK: Between processes

    /// A key as it goes to another process: its secret has one byte more than any that is handed
    /// out.
    public static func forwarded(_ key: CancelKey) -> CancelKey {
        CancelKey(processID: key.processID, secret: key.secret + [0])
    }

    /// A key as it was handed out; nil for one that has not been forwarded.
    public static func unwrapped(_ key: CancelKey) -> CancelKey? {
        let length = key.secret.count - 1
        guard length == Self.shortSecretLength || length == Self.longSecretLength else {
            return nil
        }
        return CancelKey(processID: key.processID, secret: Array(key.secret.dropLast()))
    }

    /// Whose key this is.
    public func owner(of key: CancelKey) -> ClientID? {
        guard let entry = self.entries[key.processID], entry.secret.matches(Secret(key.secret))
        else { return nil }
        return entry.client
    }

    /// Forgets a key, when its client has gone.
    public mutating func remove(processID: UInt32) { self.entries[processID] = nil }
}
