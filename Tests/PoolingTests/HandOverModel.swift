import Pooling

/// One pool that several workers share, as a machine whose every step is one load or store of
/// something shared, one post, or one message taken.
///
/// It follows `Peers.swift`, `Moving.swift`, `Connector.swift` and `Linking.swift` line by line,
/// with everything left out that only one worker can see. What is decided there by
/// time or by PostgreSQL can happen here at any moment.
struct HandOverModel: Hashable {
    /// The order of the two halves of a turn's end.
    enum Order {
        /// As it is.
        case publishThenRead
        /// As it must not be: what is read may be older than what is published.
        case readThenPublish
    }

    /// What holds for a whole exploration.
    struct Rules {
        var order: Order = .publishThenRead
        /// Connections that the pool may have.
        var slots: Int
        /// Whether who has just published that it wants a server tries again to open one.
        var triesAgain = true
        /// Whether that is so where the publication comes with the arrival of a server, too.
        var triesAgainAtArrival = true
        /// Whether who has hoped for idle servers that then nobody has opens one itself.
        var givesUpHopes = true
    }

    /// How often things may still come from outside.
    struct Budget: Hashable {
        /// Clients that ask for a server.
        var arrivals: Int8
        /// Clients that give up waiting.
        var resignations: Int8 = 0
        /// Servers on their way that do not leave after all.
        var callsOff: Int8 = 0
        /// Servers that are closed.
        var closings: Int8 = 0
    }

    enum Message: Hashable {
        case wanted(by: Int8)
        case unmet
        case server
        case roomFreed
    }

    /// What a worker has still to do before it can look at the next event.
    enum Operation: Hashable {
        case storeWanting, storeIdle
        /// Notes whether this worker wants a server, for those who free slots.
        case list(then: Continuation)
        case noteUnderWay(expectingOthers: Bool)
        case noteIdle(Int8)
        case open
        case decide
        case ask(Int8, hasAsked: Bool)
        case loadWanting(of: Int8, Search)
        case loadInbound(of: Int8, wanting: Int8, Search)
        case found(Search)
        case promise(to: Int8, Search)
        case seeOldest(of: Int8, found: Int8, oldest: Int8)
        case seeInbound(of: Int8)
        case seeWanting(of: Int8)
        case depart(to: Int8)
        case checkIn
        case arrivalCounted
        case stillWanted(by: Int8)
        case departureUncounted(to: Int8, isClosed: Bool)
        case postUnmet(to: Int8)
        case freeSlot
        case tellRoom(Int8)
    }

    /// What follows the publication.
    enum Continuation: Hashable { case nothing, meeting, arrival }

    /// How far the search for the neediest worker has come.
    struct Search: Hashable {
        var found: Int8 = -1
        var oldest: Int8 = 0
        var hasSent = false
    }

    struct Worker: Hashable {
        // Its own.
        var waiters: [Int8] = []
        var idle: Int8 = 0
        var active: Int8 = 0
        var opening: Int8 = 0
        var closing: Int8 = 0
        var leaving: [Int8] = []
        var expected: Int8 = 0
        /// Less was opened than is wanted, for the sake of what others have.
        var hopes = false
        var isTouched = false
        var isListed = false
        var work: [Operation] = []
        // What others see.
        var mail: [Message] = []
        var noticeWanting: Int8 = 0
        var noticeIdle: Int8 = 0
        var noticeOldest: Int8 = 0
        var inbound: Int8 = 0
        var isWanting = false

        var wanting: Int8 { max(0, Int8(self.waiters.count) - self.opening) }
        var demand: Int8 { max(0, Int8(self.waiters.count) - self.opening - self.expected) }
        var spare: Int8 { self.waiters.isEmpty ? self.idle : 0 }
        var isAtRest: Bool {
            self.work.isEmpty && self.mail.isEmpty && !self.isTouched && self.leaving.isEmpty
                && self.opening == 0 && self.closing == 0
        }
    }

    var workers: [Worker]
    var used: Int8
    var clock: Int8 = 0
    var budget: Budget

    /// - Parameters:
    ///   - idle: idle servers of each worker.
    ///   - active: servers of each worker that a client has.
    ///   - coming: servers on their way to the first worker, where nobody wants them any more.
    ///   - closing: servers that the second worker has closed and that PostgreSQL has not.
    init(idle: [Int8], active: [Int8], coming: Int8, closing: Int8, budget: Budget) {
        self.workers = zip(idle, active).map { idle, active in
            var worker = Worker()
            worker.idle = idle
            worker.active = active
            worker.noticeIdle = idle
            return worker
        }
        self.workers[0].inbound = coming
        self.workers[0].mail = Array(repeating: .server, count: Int(coming))
        self.workers[1].closing = closing
        self.used = (idle + active).reduce(coming + closing, +)
        self.budget = budget
    }

    func peers(of worker: Int) -> [Int8] {
        self.workers.indices.filter { $0 != worker }.map { Int8($0) }
    }

    // MARK: What must hold

    /// What is wrong with this state, or nil.
    func violation(_ rules: Rules) -> String? {
        var servers: Int8 = 0
        for worker in self.workers {
            servers += worker.idle + worker.active + worker.opening + worker.closing
            servers += Int8(worker.leaving.count)
            servers += Int8(worker.mail.count { $0 == .server })
            servers += Int8(worker.work.count { $0 == .checkIn || $0 == .freeSlot })
            for case .departureUncounted in worker.work { servers += 1 }
            for case .seeOldest in worker.work { servers += 1 }
            for case .seeInbound in worker.work { servers += 1 }
            for case .seeWanting in worker.work { servers += 1 }
            for case .promise in worker.work { servers += 1 }
            for case .depart in worker.work { servers += 1 }
        }
        if servers != self.used { return "\(servers) servers have \(self.used) slots" }
        if self.used > rules.slots { return "\(self.used) of \(rules.slots) slots are taken" }
        if self.workers.allSatisfy(\.isAtRest) { return self.violationAtRest(rules) }
        return nil
    }

    /// What is wrong when everybody sleeps and nothing is under way.
    private func violationAtRest(_ rules: Rules) -> String? {
        for (index, worker) in self.workers.enumerated() {
            if worker.inbound != 0 { return "worker \(index) expects \(worker.inbound)" }
            if worker.noticeWanting != worker.wanting || worker.noticeIdle != worker.spare {
                return "worker \(index) has published what is not so"
            }
            if worker.waiters.isEmpty { continue }
            if Int(self.used) < rules.slots { return "a client waits while a slot is free" }
            if self.workers.contains(where: { $0.idle > 0 }) {
                return "a client waits while a server is idle"
            }
        }
        return nil
    }
}
