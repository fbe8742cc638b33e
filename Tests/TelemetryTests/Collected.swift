import Glibc
import Locking

/// What a thread of its own has read from a descriptor.
final class Collected: Sendable {
    private let state = Locked<[UInt8]>([])

    var bytes: [UInt8] { self.state.withLock { $0 } }

    var count: Int { self.state.withLock { $0.count } }

    /// Starts a thread that reads until the end; join it.
    func read(_ descriptor: Int32) -> pthread_t {
        var thread = pthread_t()
        let reading = unsafe Unmanaged.passRetained(Reading(descriptor: descriptor, into: self))
        let result = unsafe pthread_create(
            &thread,
            nil,
            { argument in
                unsafe Unmanaged<Reading>.fromOpaque(argument!).takeRetainedValue().run()
                return nil
            },
            reading.toOpaque()
        )
        precondition(result == 0, "pthread_create failed with \(result)")
        return thread
    }

    private final class Reading {
        let descriptor: Int32
        let collected: Collected

        init(descriptor: Int32, into collected: Collected) {
            self.descriptor = descriptor
            self.collected = collected
        }

        func run() {
            var buffer = [UInt8](repeating: 0, count: 4096)
            while true {
                let count = unsafe Glibc.read(self.descriptor, &buffer, buffer.count)
                if count <= 0 { return }
                self.collected.state.withLock { $0 += buffer[..<count] }
            }
        }
    }
}
