import Pooling

/// What happens to a worker that has nothing left to do for the last event.
extension HandOverModel {
    /// What a step was, for the story of a failure.
    enum Cause: Equatable {
        case works(Operation)
        case hears(Message)
        case meets
        case isAskedForServer, waiterResigns
        case serverComesFree(mayYield: Bool)
        case serverIsOpen
        case serverLeaves, departureIsCalledOff, departingServerEnds
        case serverEnds, slotComesFree
    }

    /// Every state that one step of one worker can make of this one.
    func successors(_ rules: Rules) -> [(worker: Int, cause: Cause, state: HandOverModel)] {
        var all: [(worker: Int, cause: Cause, state: HandOverModel)] = []
        for index in self.workers.indices {
            for cause in self.causes(index) {
                var state = self
                state.perform(cause, index, rules)
                state.finishUnseen(index, rules)
                all.append((index, cause, state))
            }
        }
        return all
    }

    private func causes(_ index: Int) -> [Cause] {
        let worker = self.workers[index]
        if let operation = worker.work.last { return [.works(operation)] }
        var causes: [Cause] = []
        if worker.isTouched { causes.append(.meets) }
        if let message = worker.mail.first { causes.append(.hears(message)) }
        if self.budget.arrivals > 0 { causes.append(.isAskedForServer) }
        if self.budget.resignations > 0, !worker.waiters.isEmpty { causes.append(.waiterResigns) }
        if worker.active > 0 {
            causes += [.serverComesFree(mayYield: false), .serverComesFree(mayYield: true)]
        }
        if worker.opening > 0 { causes.append(.serverIsOpen) }
        if !worker.leaving.isEmpty {
            causes.append(.serverLeaves)
            if self.budget.callsOff > 0 {
                causes += [.departureIsCalledOff, .departingServerEnds]
            }
        }
        if self.budget.closings > 0, worker.idle > 0 { causes.append(.serverEnds) }
        if worker.closing > 0 { causes.append(.slotComesFree) }
        return causes
    }

    private mutating func perform(_ cause: Cause, _ index: Int, _ rules: Rules) {
        switch cause {
        case .works(let operation):
            self.workers[index].work.removeLast()
            self.perform(operation, index, rules)
        case .hears(let message):
            self.workers[index].mail.removeFirst()
            self.hear(message, index, rules)
        case .meets:
            self.workers[index].isTouched = false
            self.meet(index, rules)
        case .isAskedForServer:
            self.budget.arrivals -= 1
            self.clock += 1
            self.workers[index].isTouched = true
            if self.workers[index].spare > 0 {
                self.workers[index].idle -= 1
                self.workers[index].active += 1
            } else {
                self.workers[index].waiters.append(self.clock)
                self.openServers(index, expectingOthers: true)
            }
        case .waiterResigns:
            self.budget.resignations -= 1
            self.workers[index].waiters.removeFirst()
            self.workers[index].isTouched = true
        case .serverComesFree(let mayYield):
            self.workers[index].active -= 1
            self.workers[index].isTouched = true
            self.offer(index, mayYield: mayYield)
        case .serverIsOpen:
            self.workers[index].opening -= 1
            self.workers[index].isTouched = true
            self.checkIn(index)
        case .serverLeaves:
            let worker = Int(self.workers[index].leaving.removeFirst())
            self.workers[index].isTouched = true
            self.workers[worker].mail.append(.server)
        case .departureIsCalledOff, .departingServerEnds:
            self.budget.callsOff -= 1
            let worker = self.workers[index].leaving.removeFirst()
            let isClosed = cause == .departingServerEnds
            self.schedule(index, [.departureUncounted(to: worker, isClosed: isClosed)])
        case .serverEnds:
            self.budget.closings -= 1
            self.workers[index].idle -= 1
            self.workers[index].closing += 1
            self.workers[index].isTouched = true
        case .slotComesFree:
            self.workers[index].closing -= 1
            self.schedule(
                index,
                [.freeSlot, .noteUnderWay(expectingOthers: true)]
                    + self.peers(of: index).map { .tellRoom($0) }
            )
            self.workers[index].isTouched = true
        }
    }

    private mutating func hear(_ message: Message, _ index: Int, _ rules: Rules) {
        switch message {
        case .wanted(let worker):
            self.schedule(index, [.stillWanted(by: worker)])
            self.meet(index, rules)
        case .unmet:
            self.openServers(index, expectingOthers: false)
        case .roomFreed:
            self.openServers(index, expectingOthers: true)
        case .server:
            self.checkIn(index)
            self.schedule(
                index,
                [.storeWanting, .storeIdle, .list(then: .arrival), .arrivalCounted]
            )
            self.workers[index].isTouched = true
        }
    }
}
