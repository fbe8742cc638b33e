import Glibc
import Proxy
import Reactor

/// The process's signals, as messages to the worker.
enum Signals {
    /// What each signal asks for.
    private static let meanings: [(number: Int32, meaning: WorkerSignal)] = [
        (SIGHUP, .reload),
        (SIGTERM, .drainClients),
        (SIGINT, .drainServers),
        (SIGQUIT, .quit),
        (SIGUSR1, .pause),
        (SIGUSR2, .resume),
    ]

    /// Keeps signals from interrupting anything: they wait until `deliver` asks for them. A broken
    /// pipe is an error of the write and no signal.
    ///
    /// Comes before any other thread, so that all inherit it.
    static func block() {
        _ = signal(SIGPIPE, SIG_IGN)
        Self.change(SIG_BLOCK)
    }

    /// Lets signals do what they do by default.
    static func unblock() {
        Self.change(SIG_UNBLOCK)
    }

    /// Waits for signals on the calling thread, for ever, and posts what they ask for.
    ///
    /// - Parameter ending: called when a signal asks the process to end.
    static func deliver(to mailbox: Mailbox<WorkerMessage>, ending: () -> Void) -> Never {
        var set = Self.set
        while true {
            var number: Int32 = 0
            guard unsafe sigwait(&set, &number) == 0,
                let meaning = Self.meanings.first(where: { $0.number == number })?.meaning
            else { continue }
            switch meaning {
            case .drainClients, .drainServers, .quit: ending()
            case .reload, .pause, .resume: break
            }
            mailbox.post(.signal(meaning))
        }
    }

    private static var set: sigset_t {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for (number, _) in Self.meanings { unsafe sigaddset(&set, number) }
        return set
    }

    private static func change(_ how: Int32) {
        var set = Self.set
        let error = unsafe pthread_sigmask(how, &set, nil)
        precondition(error == 0, "pthread_sigmask(\(how)): error \(error)")
    }
}
