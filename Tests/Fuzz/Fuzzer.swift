import TestSupport
import Wire

/// What libFuzzer calls with each input: the first byte says what the rest is for.
///
/// Built by `scripts/fuzz` and by no target of the package: the fuzzer's runtime brings a main
/// function of its own.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = unsafe [UInt8](UnsafeBufferPointer(start: data, count: count))
    guard let target = bytes.first else { return 0 }
    let rest = Array(bytes.dropFirst())
    let fault: String? =
        switch target % 5 {
        case 0: FirstPacketFuzz.fault(rest)
        case 1: StreamFuzz.fault(rest)
        case 2: StrangerFuzz.fault(rest)
        case 3: ConversationFuzz.talk(rest)
        default: ConversationFuzz.vanish(rest)
        }
    // Not a precondition: an optimised build would not say why.
    if let fault { fatalError("fuzz: \(fault) in \(bytes)") }
    return 0
}

/// Whole conversations of a client, `ServerSession` and the model of a backend, whose every choice
/// is a byte of the input.
enum ConversationFuzz {
    /// The ledger's claims hold all along, and it is settled when all that is owed has come.
    static func talk(_ bytes: [UInt8]) -> String? {
        var run = ConversationRun(random: SeededRandom(script: bytes))
        while !run.random.isAtScriptsEnd, !run.isOver {
            if let fault = run.step() { return fault }
        }
        return nil
    }

    /// The client vanishes at the end of the input: the server is made usable, or closed.
    static func vanish(_ bytes: [UInt8]) -> String? {
        var run = ConversationRun(random: SeededRandom(script: bytes))
        while !run.random.isAtScriptsEnd, !run.isOver { _ = run.step() }
        return run.model.isClosed ? nil : run.recover()
    }
}
