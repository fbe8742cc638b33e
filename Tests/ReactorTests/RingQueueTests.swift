import Testing

@testable import Reactor

@Suite struct RingQueueTests {
    @Test func `order is kept across wrapping and growing`() {
        let queue = RingQueue<SocketID>()
        var model: [SocketID] = []
        var next: UInt32 = 0
        var generator = ReactorSuite.ChaosTests.Generator(state: 5)
        for _ in 0..<5000 {
            let id = SocketID(index: next, generation: 1)
            switch Int.random(in: 0..<5, using: &generator) {
            case 0, 1:
                queue.append(id)
                model.append(id)
                next += 1
            case 2 where next % 7 == 0:
                queue.prepend(id)
                model.insert(id, at: 0)
                next += 1
            default:
                #expect(queue.first == model.first)
                #expect(queue.popFirst() == (model.isEmpty ? nil : model.removeFirst()))
            }
            if next % 1000 == 999 {
                for _ in 0..<200 {
                    queue.append(id)
                    model.append(id)
                }
                next += 1
            }
            #expect(queue.count == model.count)
        }
        while let id = queue.popFirst() {
            #expect(id == model.removeFirst())
        }
        #expect(model.isEmpty && queue.isEmpty)
    }
}
