import Testing

@testable import Fleet

@Suite("The clock")
struct BootClockTests {
    @Test("goes on")
    func goesOn() {
        let first = BootClock.now
        #expect(BootClock.now >= first)
    }
}
