internal import Locking

/// Remembers the last conversion to civil time, so that the C library's is called at most once a
/// second. Shared by all threads that format lines.
final class CivilTimeCache: Sendable {
    private let last: Locked<Conversion?> = Locked(nil)
    private let convert: @Sendable (Int64) -> CivilTime

    private struct Conversion: Sendable {
        var seconds: Int64
        var civilTime: CivilTime
    }

    init(_ convert: @escaping @Sendable (Int64) -> CivilTime) {
        self.convert = convert
    }

    func civilTime(at seconds: Int64) -> CivilTime {
        self.last.withLock { last in
            if let last, last.seconds == seconds { return last.civilTime }
            let civilTime = self.convert(seconds)
            last = Conversion(seconds: seconds, civilTime: civilTime)
            return civilTime
        }
    }
}
