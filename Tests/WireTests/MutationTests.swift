import TestSupport
import Testing
import Wire

/// Streams that were valid once: 100,000 in an unoptimised build, 1,000,000 in an optimised one or
/// with `WEIR_LONG=1`.
struct MutationTests {
    private static let startups: [[UInt8]] = {
        var packets: [[UInt8]] = [
            [0, 0, 0, 8, 4, 210, 22, 47], [0, 0, 0, 8, 4, 210, 22, 48],
            [0, 0, 0, 16, 4, 210, 22, 46, 0, 0, 1, 2, 9, 8, 7, 6],
        ]
        var writer = MessageWriter()
        writer.startup([("user", "ann"), ("database", "shop"), ("_pq_.x", "1"), ("a", "")])
        packets.append(writer.bytes)
        return packets
    }()

    private static let streams: [[UInt8]] = {
        var client = MessageWriter()
        client.query("select 1")
        client.closeStatement("s")
        client.sync()
        client.copyFail("no")
        var server = MessageWriter()
        server.error(ErrorFields(.error, .queryCanceled, "m", detail: "d"))
        server.dataRow(["x", nil])
        server.readyForQuery(.idle)
        return [client.bytes, server.bytes]
    }()

    private static func mutate(_ bytes: inout [UInt8], _ random: inout SeededRandom) {
        for _ in 0...random.below(3) where !bytes.isEmpty {
            let place = random.below(bytes.count)
            switch random.below(6) {
            case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
            case 1: bytes[place] ^= 1 << UInt8(random.below(8))
            case 2: bytes.remove(at: place)
            case 3: bytes.insert(random.pick([0, 1, 4, 0x7f, 0x80, 0xff]), at: place)
            case 4: bytes.removeSubrange(place...)
            default: bytes += bytes[place...]
            }
        }
    }

    @Test func `no first packet crashes, and what is accepted is within the limits`() {
        for round in 0..<TestRun.rounds(debug: 100_000, release: 1_000_000) {
            var random = TestRun.random(round: round)
            var bytes = random.pick(Self.startups)
            Self.mutate(&bytes, &random)
            // Mostly with a length that is right, else nothing behind it would be looked at.
            if random.chance(80), bytes.count >= 4 {
                bytes.replaceSubrange(0..<4, with: RawMessage.int32(bytes.count))
            }
            do throws(StartupError) {
                guard case .startup(let parameters) = try StartupRequest(parsing: bytes.span)
                else { continue }
                if parameters.user.isEmpty || parameters.database.isEmpty
                    || parameters.user.utf8.count > Limits.nameLengthMax
                    || parameters.database.utf8.count > Limits.nameLengthMax
                    || parameters.others.count > Limits.startupParametersMax
                {
                    Issue.record("accepted \(bytes); WEIR_SEED=\(random.seed)")
                    return
                }
            } catch {
                if error.fields.severity != .fatal || error.fields.message.isEmpty {
                    Issue.record("nothing to tell for \(bytes); WEIR_SEED=\(random.seed)")
                    return
                }
            }
        }
    }

    @Test func `no stream crashes, and every frame lies inside its buffer`() {
        for round in 0..<TestRun.rounds(debug: 100_000, release: 1_000_000) {
            var random = TestRun.random(round: round)
            var bytes = random.pick(Self.streams)
            Self.mutate(&bytes, &random)
            if let fault = Self.walk(bytes, &random) {
                Issue.record("\(fault) in \(bytes); WEIR_SEED=\(random.seed)")
                return
            }
        }
    }

    /// Walks a stream in two buffers; returns what is wrong.
    private static func walk(_ bytes: [UInt8], _ random: inout SeededRandom) -> String? {
        let split = random.below(bytes.count + 1)
        var reader = FrameReader(limit: 1_000)
        var leftover: [UInt8] = []
        for chunk in [Array(bytes[..<split]), Array(bytes[split...])] {
            let buffer = leftover + chunk
            var position = reader.resume(available: buffer.count)
            while reader.remaining == 0 {
                let frame: Frame?
                do throws(FramingError) {
                    frame = try reader.next(in: buffer.span, at: position)
                } catch { return error.message.isEmpty ? "an error without a message" : nil }
                guard let frame else { break }
                guard frame.offset == position, frame.available >= 5,
                    frame.length >= frame.available,
                    frame.end <= buffer.count, frame.length <= 1_000,
                    frame.isComplete || frame.end == buffer.count
                else { return "\(frame) at \(position) of \(buffer.count)" }
                if frame.kind == BackendKind.error.rawValue {
                    let fields = ErrorFields(parsing: buffer.span, in: frame.bodyOffset..<frame.end)
                    if fields.message.utf8.count > 3 * buffer.count { return "\(fields)" }
                }
                reader.pass(frame)
                position = frame.end
            }
            if reader.remaining > 0, position != buffer.count {
                return "bytes behind a partial body"
            }
            leftover = Array(buffer[position...])
        }
        return nil
    }
}
