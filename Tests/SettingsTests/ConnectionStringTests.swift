import Testing

@testable import Settings

struct ConnectionStringTests {
    @Test func `pairs are split at blanks, quoted values may hold them`() throws {
        let string = try ConnectionString(
            " host=a  port = 5433\tconnect_query='select ''x'' ; set a=1' user=bob "
        )
        #expect(string.pairs.map(\.key) == ["host", "port", "connect_query", "user"])
        #expect(string.pairs.map(\.value) == ["a", "5433", "select 'x' ; set a=1", "bob"])
        #expect(try ConnectionString("").pairs.isEmpty)
        #expect(try ConnectionString("password=a'b=c").pairs.map(\.value) == ["a'b=c"])
    }

    @Test(arguments: [
        ("host", "expected key=value (a value with blanks stands in single quotes)"),
        (
            "password=my secret",
            "expected key=value after password (a value with blanks stands in single quotes)"
        ),
        ("=x", "expected a key before ="),
        ("user=", "user has no value: leave the key out, or write user=value"),
        ("user=''", "user has no value: leave the key out, or write user=value"),
        ("a='b", "the value of a has no closing '"),
        ("a='b''", "the value of a has no closing '"),
        ("a='b'c=d", "expected a blank after the quoted value of a"),
    ])
    func `a mistake is named without quoting a value`(text: String, message: String) {
        #expect(throws: ConnectionString.SyntaxProblem(text: message)) {
            try ConnectionString(text)
        }
    }
}
