import Pooling
import Settings
import Testing

@testable import weir

struct ProbePlanTests {
    private static let second: Nanoseconds = 1_000_000_000

    private func settings(_ lines: String) throws -> Settings {
        try Settings(
            parsing: """
                [databases]
                app = host=h user=app password=secret
                other = host=i user=other
                free = host=j user=free
                [servers]
                part = host=h budget=80%
                number = host=i budget=20

                """ + lines,
            file: "t"
        )
    }

    private func plan(_ lines: String = "") throws -> ProbePlan {
        var plan = ProbePlan()
        plan.follow(try self.settings(lines), now: 0)
        return plan
    }

    @Test func `servers with a budget are asked at once, by whoever is known there`() throws {
        let plan = try self.plan()
        // By name; the one without a limit is nobody's business.
        #expect(plan.servers.map(\.budget.name) == ["number", "part"])
        #expect(plan.servers.map(\.user) == ["other", "app"])
        #expect(plan.servers.map { $0.password?.exposed } == [nil, "secret"])
        #expect(plan.servers.allSatisfy { $0.due == 0 && $0.database == "postgres" })
        #expect(plan.next(now: 0) == 0)
    }

    @Test func `a part is asked for again, a number is compared once`() throws {
        var plan = try self.plan()
        plan.answered(0, now: 5)
        plan.answered(1, now: 5)
        #expect(plan.servers.map(\.due) == [.max, 5 + ProbePlan.period])
        #expect(plan.next(now: 6) == nil)
        #expect(plan.nextDue == 5 + ProbePlan.period)
        #expect(plan.next(now: plan.nextDue) == 1)
    }

    @Test func `in a fleet a number is not asked about, and a part as seldom as can be`() throws {
        let etcd = "budget_ledger = etcd\netcd_endpoints = http://e:1"
        for ledger in ["budget_ledger = postgres", etcd] {
            var plan = try self.plan("[weir]\n\(ledger)")
            #expect(plan.servers.map(\.budget.name) == ["part"])
            plan.answered(0, now: 5)
            #expect(plan.nextDue == .max)
        }
    }

    @Test func `pauses double up to the longest, and end with an answer`() throws {
        var plan = try self.plan()
        var pauses: [Nanoseconds] = []
        for _ in 0..<20 {
            let now = plan.servers[1].due
            let goesOn = plan.failed(1, now: now)
            #expect(goesOn)
            pauses.append(plan.servers[1].due - now)
        }
        #expect(pauses.prefix(6).map { $0 / Self.second } == [1, 2, 4, 8, 15, 15])
        #expect(pauses.last == ProbePlan.longestPause)
        plan.answered(1, now: 0)
        _ = plan.failed(1, now: 0)
        #expect(plan.servers[1].due == Self.second)
    }

    @Test func `a number that cannot be compared is given up`() throws {
        var plan = try self.plan()
        let goesOn = (0..<ProbePlan.patience).map { _ in plan.failed(0, now: 0) }
        #expect(goesOn == [true, true, false])
        #expect(plan.servers[0].due == .max)
    }

    @Test func `what a reload leaves as it was is left in peace`() throws {
        var plan = try self.plan()
        plan.answered(0, now: 0)
        plan.answered(1, now: 0)
        plan.follow(try self.settings("[weir]\nmin_pool_size = 1"), now: 9)
        #expect(plan.servers.map(\.due) == [.max, ProbePlan.period])
        plan.follow(try self.settings("[servers]\nnumber = host=i budget=21"), now: 9)
        #expect(plan.servers.map(\.due) == [9, ProbePlan.period])
        plan.follow(try self.settings("[weir]\nserver_budget = 5"), now: 9)
        #expect(plan.servers.map(\.budget.name) == ["j:5432", "number", "part"])
        // Who has not answered may do so now.
        _ = plan.failed(2, now: 9)
        plan.follow(try self.settings("[weir]\nserver_budget = 5"), now: 10)
        #expect(plan.servers[2].due == 10)
    }
}
