import Glibc
import Synchronization

/// A program in which two threads touch one variable, made by `scripts/sanitize` together with
/// `Locked` to try ThreadSanitizer itself: `none` and `relaxed` are races and must be reported,
/// `ordered`, `exchanged` and `locked` are none and must not.
@main
struct Canary {
    /// `@unchecked Sendable`: that it is not safe is the point.
    private final class Shared: @unchecked Sendable {
        var plain = 0
        let isSet = Atomic<Bool>(false)
        let lock = Locked(0)
    }

    private enum Between: String {
        case none, relaxed, ordered, exchanged, locked
    }

    static func main() {
        guard let between = CommandLine.arguments.last.flatMap(Between.init) else { exit(2) }
        let shared = Shared()
        let thread = Self.start { Self.write(shared, between) }
        Self.read(shared, between)
        pthread_join(thread, nil)
        print("\(between.rawValue): \(shared.plain)")
    }

    private static func write(_ shared: Shared, _ between: Between) {
        if between == .locked {
            return shared.lock.withLock { _ in shared.plain += 1 }
        }
        shared.plain += 1
        switch between {
        case .none, .locked: break
        case .relaxed: shared.isSet.store(true, ordering: .relaxed)
        case .ordered: shared.isSet.store(true, ordering: .releasing)
        case .exchanged: _ = shared.isSet.exchange(true, ordering: .acquiringAndReleasing)
        }
    }

    private static func read(_ shared: Shared, _ between: Between) {
        switch between {
        case .none: break
        case .relaxed: while !shared.isSet.load(ordering: .relaxed) {}
        case .ordered: while !shared.isSet.load(ordering: .acquiring) {}
        case .exchanged:
            while !shared.isSet.compareExchange(
                expected: true,
                desired: false,
                ordering: .acquiringAndReleasing
            ).exchanged {}
        case .locked:
            return shared.lock.withLock { _ in shared.plain += 1 }
        }
        shared.plain += 1
    }

    private static func start(_ body: @escaping @Sendable () -> Void) -> pthread_t {
        final class Body {
            let run: @Sendable () -> Void

            init(_ run: @escaping @Sendable () -> Void) {
                self.run = run
            }
        }
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
        return thread
    }
}
