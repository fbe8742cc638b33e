import Pooling
import Testing
import Wire

struct CancelKeysTests {
    private let ann = ClientID(index: 1, generation: 1)
    private let bob = ClientID(index: 1, generation: 2)
    private let key = CancelKey(processID: 7, secret: 9)

    @Test func `a key belongs to one client until it is forgotten`() {
        var keys = CancelKeys()
        let isGiven = keys.insert(self.key, for: self.ann)
        #expect(isGiven && keys.owner(of: self.key) == self.ann && keys.count == 1)
        let isTaken = keys.insert(self.key, for: self.bob)
        #expect(!isTaken && keys.owner(of: self.key) == self.ann && keys.count == 1)
        keys.remove(self.key)
        #expect(keys.owner(of: self.key) == nil && keys.count == 0)
        let isGivenAgain = keys.insert(self.key, for: self.bob)
        #expect(isGivenAgain && keys.owner(of: self.key) == self.bob)
    }

    @Test func `both halves of a key must be right`() {
        var keys = CancelKeys()
        _ = keys.insert(self.key, for: self.ann)
        #expect(keys.owner(of: CancelKey(processID: 7, secret: 8)) == nil)
        #expect(keys.owner(of: CancelKey(processID: 8, secret: 9)) == nil)
    }

    @Test func `forgetting a key that nobody has changes nothing`() {
        var keys = CancelKeys()
        _ = keys.insert(self.key, for: self.ann)
        keys.remove(CancelKey(processID: 1, secret: 1))
        #expect(keys.count == 1)
    }
}
