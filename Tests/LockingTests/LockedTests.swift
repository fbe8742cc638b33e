import Glibc
import Locking
import Testing

@Suite struct LockedTests {
    private struct Refusal: Error, Equatable {
        let number: Int
    }

    /// A value that has one owner.
    private struct Single: ~Copyable {
        var number: Int
    }

    private static func number(in single: consuming Single?) -> Int? {
        single?.number
    }

    /// Runs `body` on threads of their own and waits for them.
    private static func onThreads(_ count: Int, _ body: @escaping @Sendable () -> Void) {
        final class Body {
            let run: @Sendable () -> Void

            init(_ run: @escaping @Sendable () -> Void) {
                self.run = run
            }
        }
        var threads: [pthread_t] = []
        for _ in 0..<count {
            var thread = pthread_t()
            let result = unsafe pthread_create(
                &thread,
                nil,
                { argument in
                    unsafe Unmanaged<Body>.fromOpaque(argument!).takeRetainedValue().run()
                    return nil
                },
                Unmanaged.passRetained(Body(body)).toOpaque()
            )
            precondition(result == 0, "pthread_create failed with \(result)")
            threads.append(thread)
        }
        for thread in threads {
            pthread_join(thread, nil)
        }
    }

    @Test func `additions of several threads all count`() {
        let list = Locked<[Int]>([])
        Self.onThreads(4) {
            for number in 0..<2_000 {
                list.withLock { $0.append(number) }
            }
        }
        #expect(list.withLock { $0.count } == 8_000)
        #expect(list.withLock { $0.reduce(0, +) } == 4 * 1_999_000)
    }

    @Test func `an error comes out with its type and gives the lock back`() {
        let number = Locked(1)
        do throws(Refusal) {
            try number.withLock { value throws(Refusal) in
                value = 2
                throw Refusal(number: value)
            }
            Issue.record("nothing was thrown")
        } catch {
            #expect(error == Refusal(number: 2))
        }
        #expect(number.withLock { $0 } == 2)
    }

    @Test func `a value with one owner can be changed and taken out`() {
        let single = Locked<Single?>(Single(number: 7))
        single.withLock { $0?.number += 1 }
        #expect(Self.number(in: single.withLock { $0.take() }) == 8)
        #expect(Self.number(in: single.withLock { $0.take() }) == nil)
    }

    @Test func `the value is released with its lock`() {
        final class Resource: Sendable {}
        weak var resource: Resource?
        do {
            let fresh = Resource()
            resource = fresh
            let locked = Locked(fresh)
            #expect(locked.withLock { $0 === fresh })
        }
        #expect(resource == nil)
    }

    @Test func `taking a lock that is held already stops the process`() async {
        await #expect(processExitsWith: .failure) {
            let number = Locked(1)
            number.withLock { _ in number.withLock { $0 += 1 } }
        }
    }
}
