public import Pooling

/// Asks a PostgreSQL server for the facts, by a connection that is opened for that alone.
public enum ServerProbe {
    /// Why a server has not told.
    public struct Failure: Error, Equatable, CustomStringConvertible {
        /// For people.
        public let description: String
    }

    /// Asks; the calling thread waits.
    ///
    /// - Parameter time: how long that may take, but for the look-up of a host's name.
    public static func facts(
        of address: ControlAddress,
        within time: Nanoseconds
    ) throws(Failure) -> ServerFacts {
        do throws(ControlConnection.Failure) {
            return try Self.ask(address, deadline: BootClock.now + time)
        } catch {
            throw Failure(description: error.description)
        }
    }

    private static func ask(
        _ address: ControlAddress,
        deadline: Instant
    ) throws(ControlConnection.Failure) -> ServerFacts {
        let connection = try ControlConnection(
            to: address,
            name: "weir: asks for max_connections",
            deadline: deadline
        )
        return try ServerFacts.ask { text throws(ControlConnection.Failure) in
            try connection.query(text, deadline: deadline)
        }
    }
}
