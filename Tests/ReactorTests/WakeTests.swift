import Glibc
import Reactor
import Testing

extension ReactorSuite {
    @Suite struct WakeTests {
        @Test(arguments: ReactorSuite.engines)
        func `another thread wakes a loop that waits without end`(engine: EventEngine) throws {
            let loop = try EventLoop(engine: engine)
            let threads = try HelperThreads(count: 1)
            let mailbox = Mailbox<Int>(waking: loop.wakeHandle)
            var sum = 0
            var batch: [Int] = []
            for round in 1...50 {
                #expect(threads.submit { mailbox.post(round) })
                while sum < round * (round + 1) / 2 {
                    let count = loop.turn(until: nil)
                    for index in 0..<count {
                        #expect(loop.completion(index).kind == .woken)
                    }
                    mailbox.drain(into: &batch)
                    sum += batch.reduce(0, +)
                    batch.removeAll(keepingCapacity: true)
                }
            }
            #expect(sum == 50 * 51 / 2)
        }

        @Test(arguments: ReactorSuite.engines)
        func `wakes between two turns are one`(engine: EventEngine) throws {
            let loop = try EventLoop(engine: engine)
            _ = loop.turn(until: EventLoop.clock())
            for _ in 0..<100 {
                loop.wake()
            }
            #expect(loop.turn(until: EventLoop.clock() + 1_000_000_000) == 1)
            #expect(loop.completion(0).kind == .woken)
            #expect(loop.turn(until: EventLoop.clock() + 2_000_000) == 0)
            loop.wake()
            #expect(loop.turn(until: EventLoop.clock() + 1_000_000_000) == 1)
        }

        @Test(arguments: ReactorSuite.engines)
        func `a handle outlives its loop`(engine: EventEngine) throws {
            let handle = try EventLoop(engine: engine).wakeHandle
            handle.wake()
            handle.wake()
        }

        @Test(arguments: ReactorSuite.engines)
        func `no message is lost between many posters and one loop`(
            engine: EventEngine
        ) throws {
            let loop = try EventLoop(engine: engine)
            let threads = try HelperThreads(count: 4)
            let mailbox = Mailbox<Int>(waking: loop.wakeHandle)
            let each = 5000
            for poster in 0..<4 {
                #expect(
                    threads.submit {
                        for number in 0..<each {
                            mailbox.post(poster * each + number)
                        }
                    }
                )
            }
            var last = [-1, -1, -1, -1]
            var count = 0
            var batch: [Int] = []
            while count < 4 * each {
                if loop.turn(until: EventLoop.clock() + 5_000_000_000) == 0 {
                    Issue.record("a wake-up was lost after \(count) messages")
                    return
                }
                mailbox.drain(into: &batch)
                for message in batch {
                    #expect(message % each == last[message / each] + 1, "in order per poster")
                    last[message / each] = message % each
                }
                count += batch.count
                batch.removeAll(keepingCapacity: true)
            }
        }

        @Test func `a full mailbox says so`() throws {
            let loop = try EventLoop(engine: .epoll)
            let mailbox = Mailbox<Int>(waking: loop.wakeHandle, limit: 2)
            #expect(mailbox.post(1))
            #expect(mailbox.post(2))
            #expect(!mailbox.post(3))
            var batch = [0]
            mailbox.drain(into: &batch)
            #expect(batch == [0, 1, 2])
            #expect(mailbox.post(4))
        }

        @Test(arguments: ReactorSuite.engines)
        func `a turn ends at its deadline and not before`(engine: EventEngine) throws {
            let loop = try EventLoop(engine: engine)
            let deadline = EventLoop.clock() + 30_000_000
            #expect(loop.turn(until: deadline) == 0)
            #expect(loop.now >= deadline)
            #expect(loop.now < deadline + 500_000_000)
            let start = EventLoop.clock()
            #expect(loop.turn(until: start - 1) == 0)
            #expect(EventLoop.clock() - start < 500_000_000)
        }
    }
}
