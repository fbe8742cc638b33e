import Testing

@testable import Settings

struct TimeSettingTests {
    @Test(
        arguments: [
            ("0", 0), ("15", 15_000_000), ("0.25", 250_000), (".5", 500_000), ("5.", 5_000_000),
            ("0.1", 100_000), ("1e3", 1_000_000_000), ("5.e-1", 500_000), ("1.5E+1", 15_000_000),
            ("250ms", 250_000), ("7us", 7), ("3 s", 3_000_000), ("2min", 120_000_000),
            ("1h", 3_600_000_000), ("0.5d", 43_200_000_000), ("0.0000004", 0),
            ("1000000000", 1_000_000_000_000_000), ("007", 7_000_000),
        ] as [(String, Int64)]
    )
    func `a time is a number of seconds or has a unit`(text: String, microseconds: Int64) {
        #expect(TimeSetting(parsing: text)?.microseconds == microseconds)
    }

    @Test(arguments: [
        "", ".", "-1", "+1", "1m", "5 minutes", "1.2.3", "1e", "e3", "1e400", "1e99", "inf", "nan",
        "0x10", "1,5", "ten", "1000000001", "5 s s", "5ss", "\u{661}", "1 000", "9e9d",
        "99999999999999999999999999999999",
    ])
    func `what is no time is refused`(text: String) {
        #expect(TimeSetting(parsing: text) == nil)
    }

    // The expected texts are what C's printf("%g") prints.
    @Test(
        arguments: [
            (0, "0"), (1, "1e-06"), (15, "1.5e-05"), (100, "0.0001"), (1_234, "0.001234"),
            (100_000, "0.1"), (999_999, "0.999999"), (1_000_000, "1"), (1_500_000, "1.5"),
            (60_000_000, "60"), (3_600_000_000, "3600"), (86_400_500_000, "86400.5"),
            (123_456_780_000, "123457"), (999_999_400_000, "999999"), (999_999_500_000, "1e+06"),
            (1_000_000_000_000, "1e+06"), (1_234_567_890_000, "1.23457e+06"),
            (1_000_000_000_000_000, "1e+09"), (9_999_996, "10"), (1_000_001, "1"),
        ] as [(Int64, String)]
    )
    func `a time prints as percent g prints seconds`(microseconds: Int64, text: String) {
        #expect(TimeSetting(microseconds: microseconds).description == text)
    }

    @Test func `a time cannot leave its range`() {
        #expect(TimeSetting(microseconds: -5).isZero)
        #expect(TimeSetting(microseconds: .max).nanoseconds == 1_000_000_000_000_000_000)
        #expect(TimeSetting.seconds(.max) == TimeSetting.milliseconds(.max))
        #expect(TimeSetting.seconds(.min) == .zero)
        #expect(TimeSetting.milliseconds(1) < TimeSetting.seconds(1))
    }
}
