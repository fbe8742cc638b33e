/// Goes through every state that a `HandOverModel` can come to, by every interleaving.
struct HandOverExplorer {
    let rules: HandOverModel.Rules
    /// States that were seen.
    private(set) var count = 0
    /// States in which everybody slept.
    private(set) var restCount = 0

    private struct Frame {
        var state: HandOverModel
        var step: String
        var next: [(worker: Int, cause: HandOverModel.Cause, state: HandOverModel)]
    }

    init(rules: HandOverModel.Rules) { self.rules = rules }

    /// What is wrong in the first bad state that is found, and how it came about; nil when there
    /// is none. To go round in circles without anything from outside is wrong, too.
    mutating func explore(from start: HandOverModel) -> String? {
        // Whether a state is still on the way from the start to here.
        var seen: [HandOverModel: Bool] = [start: true]
        var path = [Frame(state: start, step: "start", next: start.successors(self.rules))]
        while let top = path.indices.last {
            guard let (worker, cause, state) = path[top].next.popLast() else {
                seen[path[top].state] = false
                path.removeLast()
                continue
            }
            let step = "worker \(worker) \(cause)"
            if let isOpen = seen[state] {
                if isOpen { return Self.story(path, step, "they go round in circles") }
                continue
            }
            if let wrong = state.violation(self.rules) { return Self.story(path, step, wrong) }
            seen[state] = true
            self.restCount += state.workers.allSatisfy(\.isAtRest) ? 1 : 0
            path.append(Frame(state: state, step: step, next: state.successors(self.rules)))
        }
        self.count = seen.count
        return nil
    }

    private static func story(_ path: [Frame], _ last: String, _ wrong: String) -> String {
        (path.map(\.step) + [last, wrong]).joined(separator: "\n")
    }
}
