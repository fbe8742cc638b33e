import Foundation
import Pooling
import Testing

@testable import Fleet

/// What is written to etcd and read from it.
struct EtcdValueTests {
    @Test func `keys are of one fleet and one server`() {
        let server = ServerIdentity(system: 7123, startedAt: 5432)
        let keys = EtcdKeys(fleet: "weir", server: server)
        #expect(keys.member(0xab) == "/weir/weir/7123/5432/members/0000000000ab")
        #expect(keys.sessions(of: 0xab) == "/weir/weir/7123/sessions/5432/0000000000ab")
        #expect(keys.gate(of: 0xcd) == "/weir/weir/7123/gate/00000000000000cd")
        #expect(keys.wake == "/weir/weir/7123/5432/wake")
        #expect(EtcdKeys.member(named: EtcdKeys.name(of: 0xffff_ffff_ffff)) == 0xffff_ffff_ffff)
        #expect(EtcdKeys(fleet: "a/b", server: server).prefix == "/weir/a%2Fb/7123/")
        #expect(
            EtcdKeys(fleet: "a%2Fb", server: server).prefix == "/weir/a%252Fb/7123/"
        )
    }

    @Test func `a member comes back as it was`() throws {
        var entry = BoardEntry(member: 0xffff_ffff_ffff, weight: 2, minimum: 3)
        entry.held = 9
        entry.ending = 1
        entry.used = 4
        entry.waiting = 5
        entry.oldestWait = 1_234_000_000
        let identity = MemberIdentity(
            member: entry.member,
            fleet: "weir",
            node: "a \"b\"",
            address: "[::1]:6432",
            version: "1.0"
        )
        let member = try #require(
            EtcdMember(try EtcdMember(entry, of: identity, budget: 7).encoded())
        )
        #expect(member.budget == 7)
        let row = member.row(lastSeen: 8)
        #expect(row.entry == entry)
        #expect(row.node == identity.node)
        #expect(row.address == identity.address)
        #expect(row.lastSeen == 8)
    }

    @Test(arguments: ["", "{}", "[1]", #"{"member":"x"}"#, "\u{fffd}"])
    func `what is no member is none`(text: String) {
        #expect(EtcdMember(Data(text.utf8)) == nil)
        #expect(EtcdPlace.pass(Data(text.utf8)) == nil)
    }

    @Test func `who has no budget any more is on the board`() throws {
        let identity = MemberIdentity(member: 1, fleet: "f", node: "n", address: "", version: "")
        let entry = BoardEntry(member: 1, weight: 1, minimum: 0)
        let member = EtcdMember(entry, of: identity, budget: Int(Int32.max))
        #expect(EtcdMember(try member.encoded())?.budget == 1 << 20)
    }

    @Test(arguments: [
        #""held":9223372036854775807"#, #""held":-1"#, #""oldestWait":-9223372036854775808"#,
        #""weight":0"#, #""weight":4611686018427387904"#, #""budget":-9223372036854775808"#,
    ])
    func `numbers that no member has are no member's`(pair: String) throws {
        let usual =
            #"{"address":"","node":"","version":"","member":"1","ending":0,"minimum":0,"#
            + #""used":0,"waiting":1,"budget":1,"held":0,"oldestWait":0,"weight":1}"#
        #expect(EtcdMember(Data(usual.utf8)) != nil)
        let name = try #require(pair.split(separator: ":").first)
        let pairs = usual.dropFirst().dropLast().split(separator: ",")
        let others = pairs.filter { !$0.hasPrefix(name) } + [pair[...]]
        #expect(EtcdMember(Data("{\(others.joined(separator: ","))}".utf8)) == nil)
    }

    @Test func `orphans are not counted twice when their member is back`() throws {
        let value = try EtcdOrphans.encoded(4, of: 10)
        let key = EtcdKeyValue(key: Data(), value: value, modRevision: EtcdNumber(7))
        let orphans = try #require(EtcdOrphans(key, at: 0))
        #expect(orphans.listed(held: 6) == 10)
        #expect(orphans.listed(held: 10) == 10)
        #expect(orphans.listed(held: 5) == 9)
        let many = Data(#"{"orphans":9223372036854775807,"sessions":1}"#.utf8)
        let other = EtcdKeyValue(key: Data(), value: many, modRevision: EtcdNumber(8))
        #expect(EtcdOrphans(other, at: 0) == nil)
    }

    @Test func `a wait that nobody can have does not overflow`() throws {
        let text = """
            {"address":"","budget":1,"ending":0,"held":0,"member":"1","minimum":0,"node":"",\
            "oldestWait":9223372036854775807,"used":0,"version":"","waiting":1,"weight":1}
            """
        let row = try #require(EtcdMember(Data(text.utf8))).row(lastSeen: 0)
        #expect(row.entry.oldestWait == 31_536_000_000_000_000)
        #expect(row.entry.weight == 1)
    }

    @Test func `a pass comes back as it was`() throws {
        let pass = GatePass(member: 12, number: .max)
        #expect(EtcdPlace.pass(try EtcdPlace(pass).encoded()) == pass)
    }

    @Test func `numbers are texts`() throws {
        let numbers = [EtcdNumber(.max), EtcdNumber(-1)]
        let data = try EtcdJSON.value(numbers)
        #expect(String(decoding: data, as: UTF8.self) == #"["9223372036854775807","-1"]"#)
        #expect(try EtcdJSON.answer(data, of: "x") == numbers)
        #expect(throws: EtcdError.self) {
            let _: [EtcdNumber] = try EtcdJSON.answer(Data(#"["a"]"#.utf8), of: "x")
        }
    }

    @Test func `etcd says no in two ways`() {
        let unary = #"{"error":"no","message":"etcdserver: invalid auth token","code":16}"#
        let streamed = #"{"error":{"grpc_code":14,"http_code":503,"message":"no leader"}}"#
        #expect(throws: EtcdError.unanswered("etcd at x: no leader")) {
            let _: EtcdStreamed<EtcdNothing> = try EtcdJSON.answer(Data(streamed.utf8), of: "x")
        }
        let refusal = try? JSONDecoder().decode(EtcdRefusal.self, from: Data(unary.utf8))
        #expect(refusal?.error(at: "x").isAboutToken == true)
        #expect(!EtcdError.refused(code: 5, "etcd: lease not found").isAboutToken)
    }

    @Test func `a range begins and ends with its prefix`() throws {
        let data = try EtcdJSON.value(EtcdRange.first("/a/", .newestFirst, createdUntil: 5))
        let text = String(decoding: data, as: UTF8.self)
        #expect(
            text == """
                {"key":"L2Ev","limit":"1","max_create_revision":"5","range_end":"L2Ew",\
                "sort_order":"DESCEND","sort_target":"CREATE"}
                """
        )
    }
}
