public import Pooling

/// PostgreSQL's list of sessions, for an engine that has no connection of its own to read it by.
public protocol SessionSource: Sendable {
    /// Counts the fleet's sessions, those of processes that are gone included.
    ///
    /// - Parameters:
    ///   - own: the process IDs of the process's own connections.
    ///   - deadline: by the boot-time clock.
    func count(own: [UInt32], deadline: Instant) async throws -> SessionCount

    /// Asks the server who it is.
    ///
    /// - Parameter deadline: by the boot-time clock.
    func identity(deadline: Instant) async throws -> ServerIdentity

    /// Ends the fleet's sessions that nobody claims.
    ///
    /// - Parameters:
    ///   - claimed: the process IDs of those that somebody has.
    ///   - deadline: by the boot-time clock.
    /// - Returns: how many were told to end.
    func terminate(except claimed: [UInt32], deadline: Instant) async throws -> Int

    /// PostgreSQL's version, as 150018 for 15.18; nil as long as it is not known.
    var serverVersion: Int? { get }
}
