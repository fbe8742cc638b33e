import Pooling
import TestSupport
import Testing

struct TrackedParametersTests {
    private func values(_ parameters: TrackedParameters, _ pairs: [String: String]) -> [String?] {
        parameters.names.map { pairs[$0] }
    }

    @Test func `names are found in any case and not twice`() {
        let parameters = TrackedParameters(extra: ["IntervalStyle", "datestyle", "my.Setting"])
        #expect(
            parameters.names == TrackedParameters.standardNames + ["IntervalStyle", "my.Setting"]
        )
        #expect(parameters.place(of: "TimeZone") == 2)
        #expect(parameters.place(of: "timezone") == 2)
        #expect(parameters.place(of: "MY.SETTING") == 7)
        #expect(parameters.place(of: "search_path") == nil)
    }

    @Test func `equal values are one combination, counted by its holders`() {
        var parameters = TrackedParameters()
        let some = self.values(parameters, ["DateStyle": "ISO, MDY"])
        let first = parameters.hold(some)
        let second = parameters.hold(some)
        #expect(first == second && parameters.count == 1)
        parameters.retain(first)
        parameters.release(first)
        parameters.release(first)
        #expect(parameters.count == 1 && parameters.values(of: second) == some)
        parameters.release(second)
        #expect(parameters.count == 0)
    }

    @Test func `a place that became free is used again without mixing anything up`() {
        var parameters = TrackedParameters()
        let first = parameters.hold(self.values(parameters, ["TimeZone": "UTC"]))
        let second = parameters.hold(self.values(parameters, ["TimeZone": "GMT"]))
        parameters.release(first)
        let third = parameters.hold(self.values(parameters, ["TimeZone": "CET"]))
        #expect(parameters.values(of: second)[2] == "GMT")
        #expect(parameters.values(of: third)[2] == "CET")
        #expect(parameters.count == 2)
    }

    @Test func `one value is replaced for its holder alone`() {
        var parameters = TrackedParameters()
        let ann = parameters.hold(self.values(parameters, ["application_name": "a"]))
        let bob = parameters.hold(self.values(parameters, ["application_name": "a"]))
        let changed = parameters.replace(ann, at: 4, with: "b")
        #expect(parameters.values(of: changed)[4] == "b")
        #expect(parameters.values(of: bob)[4] == "a")
        #expect(parameters.count == 2)
        let same = parameters.replace(changed, at: 4, with: "b")
        #expect(same == changed && parameters.count == 2)
        let back = parameters.replace(changed, at: 4, with: "a")
        #expect(back == bob && parameters.count == 1)
        parameters.release(back)
        parameters.release(bob)
        #expect(parameters.count == 0)
    }

    @Test func `the unknown combination has no values and no holders`() {
        var parameters = TrackedParameters()
        #expect(parameters.values(of: .unknown).allSatisfy { $0 == nil })
        parameters.retain(.unknown)
        parameters.release(.unknown)
        #expect(parameters.count == 0)
        let known = parameters.replace(.unknown, at: 0, with: "UTF8")
        #expect(known != .unknown && parameters.values(of: known)[0] == "UTF8")
        #expect(parameters.count == 1)
    }

    @Test func `statements set what differs and nothing else`() {
        var parameters = TrackedParameters()
        let present = parameters.hold(
            self.values(parameters, ["TimeZone": "UTC", "DateStyle": "ISO, MDY"])
        )
        let wanted = parameters.hold(
            self.values(parameters, ["TimeZone": "CET", "DateStyle": "ISO, MDY"])
        )
        #expect(parameters.statements(from: present, to: present) == nil)
        let call = "pg_catalog.set_config"
        #expect(
            parameters.statements(from: present, to: wanted)
                == "SELECT \(call)('TimeZone','CET',false)"
        )
        #expect(
            parameters.statements(from: .unknown, to: wanted)
                == "SELECT \(call)('DateStyle','ISO, MDY',false),\(call)('TimeZone','CET',false)"
        )
        #expect(parameters.statements(from: present, to: .unknown) == nil)
    }

    @Test func `half a date style is completed by the server's own, not by the last client's`() {
        var parameters = TrackedParameters()
        let wanted = parameters.hold(self.values(parameters, ["DateStyle": "ISO"]))
        let call = "pg_catalog.set_config"
        #expect(
            parameters.statements(from: .unknown, to: wanted)
                == "SELECT \(call)('DateStyle',NULL,false),\(call)('DateStyle','ISO',false)"
        )
    }

    @Test func `values are quoted so that they stay values`() {
        var parameters = TrackedParameters(extra: ["my.set\"ting"])
        let wanted = parameters.hold(
            self.values(
                parameters,
                ["application_name": "a'; DROP TABLE t; --", "TimeZone": "\\'", "my.set\"ting": ""]
            )
        )
        let texts = Self.literals(parameters.statements(from: .unknown, to: wanted) ?? "")
        #expect(
            texts == [
                "TimeZone", "\\'", "application_name", "a'; DROP TABLE t; --", "my.set\"ting", "",
            ]
        )
    }

    @Test func `random values come back, and the text is plain whatever they are`() {
        for round in 0..<TestRun.rounds(debug: 5_000, release: 100_000) {
            var random = TestRun.random(round: round)
            let alphabet = Array("'\\;ab \n\"$é\u{301}")
            let value = String((0..<random.below(12)).map { _ in random.pick(alphabet) })
            var parameters = TrackedParameters()
            let wanted = parameters.hold(self.values(parameters, ["application_name": value]))
            let text = parameters.statements(from: .unknown, to: wanted) ?? ""
            let isPlain = text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7f && $0 != 0x5c }
            guard isPlain, Self.literals(text) == ["application_name", value] else {
                Issue.record("\(value.debugDescription) as \(text); WEIR_SEED=\(random.seed)")
                return
            }
        }
    }

    /// The values of all literals in a statement, hexadecimal ones decoded.
    private static func literals(_ text: String) -> [String] {
        var found: [String] = []
        let parts = text.split(separator: "'", omittingEmptySubsequences: false)
        for index in stride(from: 1, to: parts.count - 1, by: 2) where parts[index] != "hex" {
            if parts[index] == "UTF8" { continue }
            guard parts[index - 1].hasSuffix("decode(") else {
                found.append(String(parts[index]))
                continue
            }
            let digits = Array(parts[index].utf8)
            let bytes = stride(from: 0, to: digits.count, by: 2).map {
                UInt8(String(decoding: digits[$0..<$0 + 2], as: UTF8.self), radix: 16) ?? 0
            }
            found.append(String(decoding: bytes, as: UTF8.self))
        }
        return found
    }
}
