import Pooling
import Testing

struct SpellingsTests {
    @Test func `what a server has made of a value is known from then on`() {
        var spellings = Spellings()
        let asked = ["utf-8", "ISO", nil, "same"]
        #expect(spellings.spelled(asked) == asked)
        let places = spellings.learn(asked, became: ["UTF8", "ISO, MDY", "UTC", "same"])
        #expect(places == [0, 1] && spellings.count == 2)
        #expect(spellings.spelled(asked) == ["UTF8", "ISO, MDY", nil, "same"])
        #expect(spellings.spelled(["ISO", "utf-8", nil, nil]) == ["ISO", "utf-8", nil, nil])
    }

    @Test func `what no server reports is not learned`() {
        var spellings = Spellings()
        #expect(spellings.learn(["a", nil], became: [nil, "b"]).isEmpty)
        #expect(spellings.spelled(["a", nil]) == ["a", nil])
    }

    @Test func `the number and the length of what is kept are bounded`() {
        var spellings = Spellings()
        for number in 0..<10 * Spellings.countMax {
            #expect(spellings.learn(["n\(number)"], became: ["n"]) == [0])
            #expect(spellings.count <= Spellings.countMax)
            #expect(spellings.spelled(["n\(number)"]) == ["n"])
        }
        let long = String(repeating: "l", count: Spellings.lengthMax + 1)
        #expect(spellings.learn([long], became: ["l"]) == [0])
        #expect(spellings.spelled([long]) == [long])
    }
}
