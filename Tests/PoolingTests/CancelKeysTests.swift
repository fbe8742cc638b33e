import Pooling
import Testing
import Wire

struct CancelKeysTests {
    private let ann = ClientID(index: 1, generation: 1)
    private let bob = ClientID(index: 1, generation: 2)
    private let key = CancelKey(processID: 7, secret: [0, 0, 0, 9])

    @Test func `a key belongs to one client until it is forgotten`() {
        var keys = CancelKeys()
        let isGiven = keys.insert(self.key, for: self.ann)
        #expect(isGiven && keys.owner(of: self.key) == self.ann && keys.count == 1)
        let isTaken = keys.insert(self.key, for: self.bob)
        #expect(!isTaken && keys.owner(of: self.key) == self.ann && keys.count == 1)
        keys.remove(processID: 7)
        #expect(keys.owner(of: self.key) == nil && keys.count == 0)
        let isGivenAgain = keys.insert(self.key, for: self.bob)
        #expect(isGivenAgain && keys.owner(of: self.key) == self.bob)
    }

    @Test func `both halves of a key must be right`() {
        var keys = CancelKeys()
        _ = keys.insert(self.key, for: self.ann)
        #expect(keys.owner(of: CancelKey(processID: 7, secret: [0, 0, 0, 8])) == nil)
        #expect(keys.owner(of: CancelKey(processID: 8, secret: [0, 0, 0, 9])) == nil)
    }

    @Test(arguments: [1, 2, 3, 5, 8, 16, 17, 256])
    func `a secret of another length is another secret`(length: Int) {
        var keys = CancelKeys()
        _ = keys.insert(self.key, for: self.ann)
        for secret in [
            [UInt8](repeating: 0, count: length - 1) + [9],
            [9] + [UInt8](repeating: 0, count: length - 1),
        ] {
            #expect(keys.owner(of: CancelKey(processID: 7, secret: secret)) == nil)
        }
    }

    @Test func `every byte of a long secret counts`() {
        var keys = CancelKeys()
        let secret = (1...UInt8(CancelKeys.longSecretLength)).map { $0 * 15 }
        _ = keys.insert(CancelKey(processID: 7, secret: secret), for: self.ann)
        #expect(keys.owner(of: CancelKey(processID: 7, secret: secret)) == self.ann)
        for place in secret.indices {
            var wrong = secret
            wrong[place] ^= 1
            #expect(keys.owner(of: CancelKey(processID: 7, secret: wrong)) == nil)
            wrong = secret
            wrong.remove(at: place)
            #expect(keys.owner(of: CancelKey(processID: 7, secret: wrong)) == nil)
        }
        #expect(keys.owner(of: CancelKey(processID: 7, secret: secret + [0])) == nil)
        #expect(keys.owner(of: CancelKey(processID: 7, secret: [0] + secret)) == nil)
    }

    @Test func `forgetting a key that nobody has changes nothing`() {
        var keys = CancelKeys()
        _ = keys.insert(self.key, for: self.ann)
        keys.remove(processID: 1)
        #expect(keys.count == 1)
    }

    @Test(arguments: 0..<CancelKeys.workersMax)
    func `a key says which worker gave it out`(_ worker: Int) {
        for random in [0, 1, 63, 64, 0x7fff_ffff, 0x8000_0000, UInt32.max] {
            let processID = CancelKeys.processID(random, worker: worker, origin: nil)
            let key = CancelKey(processID: processID, secret: [9])
            #expect(CancelKeys.worker(of: key) == worker)
            #expect(processID <= UInt32(Int32.max))
        }
    }

    @Test(arguments: [0, 1, 127, 255] as [UInt8])
    func `a key says which process gave it out, and which worker of it`(_ origin: UInt8) {
        for random in [0, 63, 64, 0x3fc0, 0x7fff_ffff, UInt32.max] {
            let processID = CancelKeys.processID(random, worker: 5, origin: origin)
            let key = CancelKey(processID: processID, secret: [9])
            #expect(CancelKeys.origin(of: key) == origin)
            #expect(CancelKeys.worker(of: key) == 5)
            #expect(processID <= UInt32(Int32.max))
        }
    }

    @Test(arguments: [CancelKeys.shortSecretLength, CancelKeys.longSecretLength])
    func `a forwarded key is known as one, and is nobody's before it is unwrapped`(length: Int) {
        var keys = CancelKeys()
        let key = CancelKey(processID: 7, secret: (0..<UInt8(length)).map { $0 })
        _ = keys.insert(key, for: self.ann)
        let forwarded = CancelKeys.forwarded(key)
        #expect(CancelKeys.unwrapped(key) == nil)
        #expect(CancelKeys.unwrapped(forwarded) == key)
        #expect(keys.owner(of: forwarded) == nil)
    }

    @Test(arguments: [0, 5, UInt32.max])
    func `any number that a stranger sends names some worker`(_ processID: UInt32) {
        let worker = CancelKeys.worker(of: CancelKey(processID: processID, secret: [0]))
        #expect((0..<CancelKeys.workersMax).contains(worker))
    }
}
