import Telemetry
import Testing

@Suite struct PoolCountersTests {
    /// Every field; the size check in the tests fails when one is missing here.
    static let fields: [any WritableKeyPath<PoolCounters, UInt64> & Sendable] = [
        \.serverAssignmentCount, \.xactCount, \.queryCount, \.bytesReceived, \.bytesSent,
        \.xactTime, \.queryTime, \.waitTime, \.clientParseCount, \.serverParseCount, \.bindCount,
        \.clientLoginCount, \.clientLoginFailureCount, \.serverLoginCount,
        \.serverLoginFailureCount, \.serverErrorCount, \.poolerErrorCount, \.waitTimeoutCount,
    ]

    /// Counters in which no two fields are equal.
    static func counters(from first: UInt64) -> PoolCounters {
        var counters = PoolCounters()
        for (index, field) in Self.fields.enumerated() {
            counters[keyPath: field] = first + UInt64(index)
        }
        return counters
    }

    @Test func `the list of fields is complete`() {
        #expect(MemoryLayout<PoolCounters>.size == Self.fields.count * 8)
    }

    @Test func `sums and differences take every field from its own place`() {
        let small = Self.counters(from: 100)
        let large = Self.counters(from: 1000)
        for (index, field) in Self.fields.enumerated() {
            #expect((small + large)[keyPath: field] == 1100 + 2 * UInt64(index))
            #expect((large - small)[keyPath: field] == 900)
        }
        var sum = small
        sum += large
        #expect(sum == small + large)
    }

    @Test func `a difference stops at zero and a sum wraps instead of trapping`() {
        #expect(Self.counters(from: 5) - Self.counters(from: 6) == PoolCounters())
        var full = PoolCounters()
        full.bytesSent = .max
        var two = PoolCounters()
        two.bytesSent = 2
        #expect((full + two).bytesSent == 1)
    }
}
