internal import CLinux
internal import Glibc

/// A thread of its own for work that waits: a control connection, a member's deadlines.
enum FleetThread {
    /// Holds a body until the thread has taken it.
    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// Starts one that ends with `body`; false where the system has no further thread.
    ///
    /// - Parameter name: what `ps` and debuggers show, at most 15 bytes.
    static func start(_ name: String, _ body: @escaping @Sendable () -> Void) -> Bool {
        let argument = unsafe Unmanaged.passRetained(Body(body))
        let outcome = unsafe weir_start_thread(
            String(name.prefix(15)),
            { argument in
                if let argument = unsafe argument {
                    unsafe Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
                }
                return nil
            },
            argument.toOpaque()
        )
        if outcome < 0 { unsafe argument.release() }
        return outcome >= 0
    }
}
