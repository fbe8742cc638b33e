import Pooling

/// The steps of a worker that others can see, or that look at what others have shown.
extension HandOverModel {
    /// Puts operations in front of what is to be done.
    mutating func schedule(_ index: Int, _ operations: [Operation]) {
        self.workers[index].work += operations.reversed()
    }

    /// The end of a turn: `Worker.meet`.
    mutating func meet(_ index: Int, _ rules: Rules) {
        switch rules.order {
        case .publishThenRead:
            self.schedule(index, [.storeWanting, .storeIdle, .list(then: .meeting)])
        case .readThenPublish:
            self.schedule(index, [.decide, .storeWanting, .storeIdle, .list(then: .nothing)])
        }
    }

    /// `Worker.openServers(in:expectingOthers:)`.
    mutating func openServers(_ index: Int, expectingOthers: Bool) {
        while self.workers[index].idle > 0, !self.workers[index].waiters.isEmpty {
            self.workers[index].idle -= 1
            self.serve(index)
        }
        self.workers[index].isTouched = true
        self.schedule(index, [.noteUnderWay(expectingOthers: expectingOthers)])
    }

    private mutating func serve(_ index: Int) {
        self.workers[index].waiters.removeFirst()
        self.workers[index].active += 1
    }

    /// `Worker.checkIn`, where the server stays.
    mutating func checkIn(_ index: Int) {
        if self.workers[index].waiters.isEmpty {
            self.workers[index].idle += 1
        } else {
            self.serve(index)
        }
    }

    /// `Worker.checkIn`: a server has come free, and may go to another worker.
    mutating func offer(_ index: Int, mayYield: Bool) {
        guard mayYield else { return self.checkIn(index) }
        let own = self.workers[index].waiters.first ?? self.clock + 1
        self.schedule(index, [.seeOldest(of: self.peers(of: index)[0], found: -1, oldest: own)])
    }

    /// One step of the model's clock is longer than any difference that matters.
    private static func isClearlyOlder(_ theirs: Int8, than own: Int8, now: Int8) -> Bool {
        let second: Instant = 1_000_000_000
        return HandOver.isClearlyOlder(
            Instant(theirs) * second,
            than: Instant(own) * second,
            now: Instant(now) * second
        )
    }

    private func missing(wanting: Int8, inbound: Int8) -> Bool {
        HandOver.missing(wanting: Int(wanting), inbound: Int(inbound)) > 0
    }

    /// Does at once what nobody else can see and what sees nothing of others: when that happens
    /// makes no difference.
    mutating func finishUnseen(_ index: Int, _ rules: Rules) {
        while let operation = self.workers[index].work.last, self.isUnseen(operation, index) {
            self.workers[index].work.removeLast()
            self.perform(operation, index, rules)
        }
        // What is expected counts only until it is known what is to be opened.
        if self.workers[index].work.isEmpty { self.workers[index].expected = 0 }
    }

    private func isUnseen(_ operation: Operation, _ index: Int) -> Bool {
        let worker = self.workers[index]
        return switch operation {
        case .storeWanting:
            worker.noticeWanting == worker.wanting
                && worker.noticeOldest == worker.waiters.first ?? 0
        case .storeIdle: worker.noticeIdle == worker.spare
        case .list: worker.isWanting == (worker.wanting > 0)
        case .decide: !worker.isListed && worker.wanting == 0
        case .open: worker.demand == 0
        case .found, .checkIn: true
        default: false
        }
    }

    mutating func perform(_ operation: Operation, _ index: Int, _ rules: Rules) {
        switch operation {
        case .storeWanting:
            self.workers[index].noticeWanting = self.workers[index].wanting
            self.workers[index].noticeOldest = self.workers[index].waiters.first ?? 0
        case .storeIdle:
            self.workers[index].noticeIdle = self.workers[index].spare
        case .list(let continuation):
            self.list(index, then: continuation, rules)
        case .noteUnderWay, .noteIdle, .open, .freeSlot, .tellRoom:
            self.performOpening(operation, index, rules)
        case .decide, .ask, .loadWanting, .loadInbound, .found, .promise:
            self.performMeeting(operation, index, rules)
        case .seeOldest, .seeInbound, .seeWanting, .depart, .checkIn:
            self.performOffer(operation, index)
        case .arrivalCounted:
            self.workers[index].inbound -= 1
        case .stillWanted(let worker):
            // Two loads; that they come apart only makes for one message more or less that says
            // what is not so any more.
            let other = self.workers[Int(worker)]
            if self.missing(wanting: other.noticeWanting, inbound: other.inbound) {
                self.schedule(index, [.postUnmet(to: worker)])
            }
        case .departureUncounted(let worker, let isClosed):
            self.workers[Int(worker)].inbound -= 1
            if isClosed {
                self.workers[index].closing += 1
            } else {
                self.workers[index].active += 1
            }
            self.schedule(index, [.postUnmet(to: worker)])
            if !isClosed {
                self.workers[index].active -= 1
                self.checkIn(index)
            }
            self.workers[index].isTouched = true
        case .postUnmet(let worker):
            self.workers[Int(worker)].mail.append(.unmet)
        }
    }

    private mutating func list(_ index: Int, then continuation: Continuation, _ rules: Rules) {
        let isListed = self.workers[index].wanting > 0
        let isNew = isListed != self.workers[index].isListed
        self.workers[index].isListed = isListed
        self.workers[index].isWanting = isListed
        switch continuation {
        case .nothing:
            break
        case .arrival:
            guard isNew, isListed, rules.triesAgainAtArrival else { return }
            self.workers[index].work.removeLast()
            self.openServers(index, expectingOthers: true)
            self.schedule(index, [.arrivalCounted])
        case .meeting:
            self.schedule(index, [.decide])
            guard isNew, isListed, rules.triesAgain else { return }
            self.openServers(index, expectingOthers: true)
        }
    }

    // MARK: Slots

    private mutating func performOpening(_ operation: Operation, _ index: Int, _ rules: Rules) {
        switch operation {
        case .noteUnderWay(let expectingOthers):
            self.workers[index].expected = self.workers[index].inbound
            self.workers[index].hopes = false
            let peers: [Operation] = self.peers(of: index).map { .noteIdle($0) }
            self.schedule(index, (expectingOthers ? peers : []) + [.open])
        case .noteIdle(let worker):
            let idle = self.workers[Int(worker)].noticeIdle
            self.workers[index].expected += idle
            if idle > 0 { self.workers[index].hopes = true }
        case .open:
            guard self.workers[index].demand > 0, Int(self.used) < rules.slots else { return }
            self.used += 1
            self.workers[index].opening += 1
            self.workers[index].isTouched = true
            self.schedule(index, [.open])
        case .freeSlot:
            self.used -= 1
        case .tellRoom(let worker):
            if self.workers[Int(worker)].isWanting {
                self.workers[Int(worker)].mail.append(.roomFreed)
            }
        default:
            preconditionFailure("\(operation) has nothing to do with slots")
        }
    }

    // MARK: Meeting

    private mutating func performMeeting(_ operation: Operation, _ index: Int, _ rules: Rules) {
        let worker = self.workers[index]
        switch operation {
        case .decide where worker.isListed || worker.wanting > 0:
            guard self.missing(wanting: worker.noticeWanting, inbound: worker.inbound) else {
                return
            }
            self.schedule(index, [.ask(self.peers(of: index)[0], hasAsked: false)])
        case .decide:
            self.search(index, Search())
        case .ask(let peer, var hasAsked):
            if self.workers[Int(peer)].noticeIdle > 0 {
                self.workers[Int(peer)].mail.append(.wanted(by: Int8(index)))
                hasAsked = true
            }
            if let next = self.peers(of: index).first(where: { $0 > peer }) {
                self.schedule(index, [.ask(next, hasAsked: hasAsked)])
            } else if !hasAsked, worker.hopes, rules.givesUpHopes {
                self.openServers(index, expectingOthers: false)
            }
        case .loadWanting(let peer, let search):
            let wanting = self.workers[Int(peer)].noticeWanting
            self.schedule(index, [.loadInbound(of: peer, wanting: wanting, search)])
        case .loadInbound(let peer, let wanting, var search):
            let other = self.workers[Int(peer)]
            if self.missing(wanting: wanting, inbound: other.inbound),
                search.found < 0 || other.noticeOldest < search.oldest
            {
                search.found = peer
                search.oldest = other.noticeOldest
            }
            let next = self.peers(of: index).first { $0 > peer }
            self.schedule(index, [next.map { .loadWanting(of: $0, search) } ?? .found(search)])
        case .found(var search):
            if search.found >= 0, worker.spare > 0 {
                self.workers[index].idle -= 1
                let peer = search.found
                search = Search(hasSent: true)
                self.schedule(index, [.promise(to: peer, search)])
            } else if search.hasSent {
                self.schedule(index, [.storeWanting, .storeIdle, .list(then: .nothing)])
            }
        case .promise(let peer, let search):
            self.workers[Int(peer)].inbound += 1
            self.workers[index].leaving.append(peer)
            self.search(index, search)
        default:
            preconditionFailure("\(operation) is no part of a meeting")
        }
    }

    /// `Worker.sendSpareServers`: who has waited longest?
    private mutating func search(_ index: Int, _ search: Search) {
        self.schedule(index, [.loadWanting(of: self.peers(of: index)[0], search)])
    }

    // MARK: Fairness

    private mutating func performOffer(_ operation: Operation, _ index: Int) {
        switch operation {
        case .seeOldest(let peer, var found, var oldest):
            let theirs = self.workers[Int(peer)].noticeOldest
            if theirs != 0, Self.isClearlyOlder(theirs, than: oldest, now: self.clock + 1) {
                found = peer
                oldest = theirs
            }
            if let next = self.peers(of: index).first(where: { $0 > peer }) {
                self.schedule(index, [.seeOldest(of: next, found: found, oldest: oldest)])
            } else {
                self.schedule(index, [found >= 0 ? .seeInbound(of: found) : .checkIn])
            }
        case .seeInbound(let peer):
            let isExpecting = self.workers[Int(peer)].inbound > 0
            self.schedule(index, [isExpecting ? .checkIn : .seeWanting(of: peer)])
        case .seeWanting(let peer):
            let other = self.workers[Int(peer)]
            let isMissing = self.missing(wanting: other.noticeWanting, inbound: other.inbound)
            self.schedule(index, [isMissing ? .depart(to: peer) : .checkIn])
        case .depart(let peer):
            self.workers[Int(peer)].inbound += 1
            self.workers[index].leaving.append(peer)
        case .checkIn:
            self.checkIn(index)
        default:
            preconditionFailure("\(operation) is no part of an offer")
        }
    }
}
