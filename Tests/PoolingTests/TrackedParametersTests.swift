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
        #expect(parameters.place(of: "MY.SETTING") == 6)
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
        #expect(parameters.statements(from: present, to: wanted) == "SET \"TimeZone\" = 'CET';")
        #expect(
            parameters.statements(from: .unknown, to: wanted)
                == "SET \"DateStyle\" = 'ISO, MDY';SET \"TimeZone\" = 'CET';"
        )
        #expect(parameters.statements(from: present, to: .unknown) == nil)
    }

    @Test func `values are quoted so that they stay values`() {
        var parameters = TrackedParameters(extra: ["my.set\"ting"])
        let wanted = parameters.hold(
            self.values(
                parameters,
                ["application_name": "a'; DROP TABLE t; --", "TimeZone": "\\'", "my.set\"ting": ""]
            )
        )
        #expect(
            parameters.statements(from: .unknown, to: wanted)
                == "SET \"TimeZone\" =  E'\\\\''';"
                + "SET \"application_name\" = 'a''; DROP TABLE t; --';"
                + "SET \"my\".\"set\"\"ting\" = '';"
        )
    }

    @Test func `random values are read back by PostgreSQL's rules of quoting`() {
        for round in 0..<TestRun.rounds(debug: 5_000, release: 100_000) {
            var random = TestRun.random(round: round)
            let alphabet = Array("'\\;ab \n\"$é\u{301}")
            let value = String((0..<random.below(12)).map { _ in random.pick(alphabet) })
            var parameters = TrackedParameters()
            let wanted = parameters.hold(self.values(parameters, ["application_name": value]))
            let text = parameters.statements(from: .unknown, to: wanted) ?? ""
            let prefix = "SET \"application_name\" = "
            for isConforming in [true, false] {
                guard text.hasPrefix(prefix),
                    let read = Self.literal(text.dropFirst(prefix.count), isConforming),
                    read.value == value, read.rest == ";"
                else {
                    Issue.record("\(value.debugDescription) as \(text); WEIR_SEED=\(random.seed)")
                    return
                }
            }
        }
    }

    /// Reads a literal as the server's scanner does.
    private static func literal(
        _ text: Substring,
        _ isConforming: Bool
    ) -> (value: String, rest: String)? {
        var scalars = Array(text.unicodeScalars)[...]
        while scalars.first == " " { scalars.removeFirst() }
        var escapes = !isConforming
        if scalars.first == "E" {
            escapes = true
            scalars.removeFirst()
        }
        guard scalars.popFirst() == "'" else { return nil }
        var value = String.UnicodeScalarView()
        while let scalar = scalars.popFirst() {
            if scalar == "'" {
                guard scalars.first == "'" else {
                    var rest = String.UnicodeScalarView()
                    rest.append(contentsOf: scalars)
                    return (String(value), String(rest))
                }
                scalars.removeFirst()
                value.append("'")
            } else if scalar == "\\", escapes {
                guard scalars.popFirst() == "\\" else { return nil }
                value.append("\\")
            } else {
                value.append(scalar)
            }
        }
        return nil
    }
}
