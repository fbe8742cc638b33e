import TestSupport

/// How one world is: how many of everything, and how often what happens. Drawn by lot, so that each
/// thing also happens in worlds where little else does.
struct StatementMix {
    let clients: Int
    let servers: Int
    let workers: Int
    let tables: Int
    /// `max_prepared_statements`
    let limit: Int
    /// What all clients' statements may take.
    let bytesMax: Int

    var isMemoryShort: Bool { self.bytesMax < 100_000 }

    // In ten thousand steps:
    let cuts: Int
    let serverCuts: Int
    let cancels: Int
    let alterations: Int
    let drops: Int
    let moves: Int
    let settings: Int
    let losses: Int
    let waitEnds: Int

    // In a hundred things that a client says:
    let commands: Int
    let mistakes: Int
    let unnamed: Int
    /// Clients that do not wait for answers, of a hundred.
    let pipelining: Int

    init(_ random: inout SeededRandom) {
        func sometimes(_ percent: Int, _ value: Int) -> Int {
            random.chance(percent) ? 1 + random.below(value) : 0
        }
        self.clients = 1 + random.below(random.chance(30) ? 4 : 30)
        self.servers = 1 + random.below(6)
        self.workers = random.chance(40) ? 2 : 1
        self.tables = 1 + random.below(6)
        self.limit = random.chance(50) ? 1 + random.below(6) : 200
        self.bytesMax = random.chance(25) ? 1_000 + random.below(12_000) : 100_000_000
        self.cuts = sometimes(60, 60)
        self.serverCuts = sometimes(30, 20)
        self.cancels = sometimes(50, 200)
        self.alterations = sometimes(60, 150)
        self.drops = sometimes(30, 60)
        self.moves = sometimes(80, 200)
        self.settings = sometimes(40, 200)
        self.losses = sometimes(15, 20)
        self.waitEnds = sometimes(30, 60)
        self.commands = sometimes(40, 15)
        self.mistakes = sometimes(80, 15)
        self.unnamed = sometimes(75, 50)
        self.pipelining = sometimes(80, 100)
    }
}
