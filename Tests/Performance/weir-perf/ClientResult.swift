import Locking

/// What the client's thread hands to the main thread.
final class ClientResult: Sendable {
    private let measurement = Locked<Measurement?>(nil)

    /// The measurement, once there is one.
    var value: Measurement? { self.measurement.withLock { $0 } }

    /// Leaves the measurement.
    func set(_ measurement: Measurement) {
        self.measurement.withLock { $0 = measurement }
    }
}
