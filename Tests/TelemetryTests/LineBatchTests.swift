import Testing

@testable import Telemetry

@Suite struct LineBatchTests {
    private func append(_ text: String, to batch: inout LineBatch) -> Bool {
        batch.append(text.utf8.span, frameLength: 0, severity: .log)
    }

    @Test func `bytes are bounded, newlines included`() {
        var batch = LineBatch(limits: .init(bytes: 8, lines: 100))
        #expect(self.append("abc", to: &batch))
        #expect(!self.append("defg", to: &batch), "four, five, … nine bytes")
        #expect(self.append("def", to: &batch))
        #expect(!self.append("", to: &batch))
        #expect(batch.bytes == Array("abc\ndef\n".utf8))
        #expect(batch.lines.map(\.start) == [0, 4])
        #expect(batch.lines.map(\.end) == [4, 8])
    }

    @Test func `lines are bounded`() {
        var batch = LineBatch(limits: .init(bytes: 1000, lines: 2))
        #expect(self.append("a", to: &batch))
        #expect(self.append("", to: &batch))
        #expect(!self.append("c", to: &batch))
        #expect(batch.lines.count == 2)
        #expect(batch.lostAtEnd == 1)
    }

    @Test func `losses are kept at the place where they happened`() {
        var batch = LineBatch(limits: .init(bytes: 12, lines: 100))
        #expect(!self.append("much too long a line", to: &batch))
        #expect(!self.append("and another of those", to: &batch))
        #expect(self.append("abc", to: &batch))
        #expect(self.append("def", to: &batch))
        #expect(!self.append("too long", to: &batch))
        #expect(self.append("ghi", to: &batch))
        #expect(!self.append("j", to: &batch))
        #expect(batch.lines.map(\.lostBefore) == [2, 0, 1])
        #expect(batch.lostAtEnd == 1)
        #expect(!batch.isEmpty)

        batch.clear()
        #expect(batch.isEmpty && batch.bytes.isEmpty)
        #expect(self.append("again", to: &batch))
        #expect(batch.lines[0].lostBefore == 0)
    }

    @Test func `losses alone are something to report`() {
        var batch = LineBatch(limits: .init(bytes: 1, lines: 1))
        #expect(batch.isEmpty)
        #expect(!self.append("x", to: &batch))
        #expect(!batch.isEmpty)
    }

    @Test func `a frame never reaches beyond its line`() {
        var batch = LineBatch(limits: .init(bytes: 100, lines: 10))
        _ = batch.append("abc".utf8.span, frameLength: 9, severity: .log)
        _ = batch.append("abc".utf8.span, frameLength: -1, severity: .log)
        #expect(batch.lines.map(\.frameLength) == [3, 0])
    }
}
