internal import FoundationEssentials
internal import Pooling

/// The member's stay in etcd: a lease, and what hangs on it.
struct EtcdSession: Sendable {
    /// A place in the queue for the gate.
    struct Stay: Sendable {
        /// For which pass.
        let pass: GatePass
        /// At which revision the place was taken: the oldest has the gate. 0 while that is not
        /// known.
        var revision: Int64 = 0
        /// Whether the gate is the member's.
        var isHeld = false
        /// What was counted; nil before.
        var counted: Counted?
        /// Waits for those who are before it.
        var waiting: Task<Void, Never>?
    }

    /// What a count inside the gate has shown.
    struct Counted: Sendable {
        /// Sessions that no member has.
        var orphans: Int
        /// The fleet's sessions without the member's own.
        var others: Int
        /// Whether the board speaks of orphans.
        var hasOrphansOnBoard: Bool
    }

    /// Names the lease.
    let lease: Int64
    /// How long the lease lives after each renewal.
    let seconds: Int64
    /// Up to which revision it is known who wakes; 0 is now.
    var wokenUntil: Int64
    /// Where it is listened to who wakes.
    var listensAt = ""
    /// Where the member is in the queue for the gate; nil if it is not in it.
    var stay: Stay?
    /// What the member has put on the board; nil if nothing.
    var published: Data?
    /// Since when that has said that the member neither has nor wants anything; nil if it does not.
    var idleSince: Instant?
    /// The process IDs that stand in etcd; nil if none do.
    var toldSessions: [UInt32]?
    /// Renews the lease.
    var keeping: Task<Void, Never>?
    /// Listens to who wakes.
    var listening: Task<Void, Never>?

    /// Whether the pass is the member's, and the gate too.
    func isInGate(_ pass: GatePass) -> Bool { self.stay?.pass == pass && self.stay?.isHeld == true }

    /// Ends what runs on its behalf.
    func end() {
        self.stay?.waiting?.cancel()
        self.keeping?.cancel()
        self.listening?.cancel()
    }
}
