import TestSupport
import Wire

/// A connection's first packet.
enum FirstPacketFuzz {
    /// Reads the bytes as they are, and with a length that is right; returns what is wrong.
    static func fault(_ bytes: [UInt8]) -> String? {
        var packet = bytes
        if let fault = self.read(packet) { return fault }
        packet.insert(contentsOf: RawMessage.int32(bytes.count + 4), at: 0)
        return self.read(packet)
    }

    private static func read(_ packet: [UInt8]) -> String? {
        do throws(StartupError) {
            guard let length = try StartupRequest.length(in: packet.span) else { return nil }
            guard length <= Limits.startupLengthMax else { return "a length of \(length)" }
            guard case .startup(let startup) = try StartupRequest(parsing: packet.span) else {
                return nil
            }
            return self.judge(startup)
        } catch {
            return error.fields.severity == .fatal && !error.fields.message.isEmpty
                ? nil : "nothing to tell a client"
        }
    }

    private static func judge(_ startup: StartupParameters) -> String? {
        guard !startup.user.isEmpty, !startup.database.isEmpty,
            startup.user.utf8.count <= Limits.nameLengthMax,
            startup.database.utf8.count <= Limits.nameLengthMax,
            startup.others.count <= Limits.startupParametersMax
        else { return "accepted \(startup)" }
        for parameter in startup.others {
            guard let mode = ReplicationMode(startupValue: parameter.value) else { continue }
            guard let value = mode.startupValue else { continue }
            if ReplicationMode(startupValue: value) != mode { return "\(mode) becomes another" }
        }
        return nil
    }
}
