import Settings
import Testing

@testable import weir

/// An operator who trusts the number must not run out of descriptors.
struct DescriptorNeedTests {
    /// What a configuration needs beyond the process's own descriptors and 10 clients.
    private static func servers(_ databases: String, _ more: String = "", users: Int) throws -> Int
    {
        let text = "[databases]\n\(databases)\n[weir]\nmax_client_conn = 10\n"
        let empty = try Settings(parsing: "[weir]\nmax_client_conn = 10\n", file: "t")
        let settings = try Settings(parsing: text + more, file: "t")
        return DescriptorNeed.descriptors(for: settings, users: users)
            - DescriptorNeed.descriptors(for: empty, users: users)
    }

    @Test func `every user has a pool in every database`() throws {
        #expect(try Self.servers("a =\nb =", "default_pool_size = 5", users: 3) == 30)
    }

    @Test func `a database with a user of its own has one pool`() throws {
        #expect(try Self.servers("a = user=u\nb =", "default_pool_size = 5", users: 3) == 20)
    }

    @Test func `the reserve and the template count too`() throws {
        #expect(
            try Self.servers("* = user=u pool_size=4", "reserve_pool_size = 2", users: 0) == 6
        )
    }

    @Test func `limits of a database and of the process cut it`() throws {
        #expect(
            try Self.servers("a = max_db_connections=7\nb = max_db_connections=8", users: 9) == 15
        )
        #expect(try Self.servers("a =\nb =", "max_server_connections = 11", users: 9) == 11)
    }

    @Test func `a pool without limit has a server for each client`() throws {
        #expect(try Self.servers("a = user=u", "default_pool_size = 0", users: 9) == 10)
    }

    @Test func `the largest numbers do not overflow`() throws {
        let size = "default_pool_size = 2147483647\nreserve_pool_size = 2147483647"
        #expect(try Self.servers("a =\nb =", size, users: .max) > 1 << 40)
    }
}
