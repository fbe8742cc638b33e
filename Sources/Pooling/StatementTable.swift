import Wire

/// The statements that clients have prepared under names of theirs, each once: what may share a
/// name on a server has one place here.
///
/// ## Function
/// What may share a name is the text, the declared parameter types, and the settings that
/// PostgreSQL parses by (`parsing`), in one pool: literals and names are bound when a statement is
/// parsed. The name on the servers is made from all of that, so every worker knows a statement by
/// the same name.
///
/// A statement is held by the clients that have it prepared and by the servers that have a copy;
/// its text is kept for clients alone. `bytes` counts all that clients' statements take, names of
/// theirs included, and never exceeds `bytesMax`.
public struct StatementTable: Sendable {
    /// What the table knows of one statement.
    struct Entry {
        var key: ContentHash
        /// What servers call it, with its zero.
        var name: [UInt8] = []
        /// What follows the name in a Parse: the text, its zero, the declared types. Empty while no
        /// client has it.
        var body: [UInt8] = []
        var pool = -1
        var parsing = ContentHash.none
        var content: UInt64 = 0
        var clients = 0
        var copies = 0
        /// Some server has parsed it.
        var isAccepted = false
        /// What its result looked like on the server that was asked last; 0 if not known.
        var shape: UInt64 = 0
        /// Running it may leave something behind in the session.
        var isSuspicious = false
        /// It is an SQL command about another statement.
        var isCommand = false
        /// It means the same under all settings, and then `parsing` says nothing.
        var isAlike = false
        /// The types that a server has found for its parameters, as in a Parse; empty if not known.
        var types: [UInt8] = []
        /// The hash of those; 0 if not known.
        var typesHash: UInt64 = 0
        /// Those that servers found before, as long as clients may go by them.
        var earlierTypes: [[UInt8]] = []
        /// They may be others by now: the next Parse leaves open what its clients have left open.
        var isDoubted = false
    }

    private(set) var entries: [Entry] = []
    private var free: [Int] = []
    private var contents = HashIndex()
    private var keys: [ContentHash: Int] = [:]
    private var repetitions = Repetitions()
    private let seed: UInt64
    private let maker: ContentHash.Maker

    /// What clients' statements take now.
    public private(set) var bytes = 0
    /// The most that they may take.
    public let bytesMax: Int

    /// How many changes of a statement's types are remembered.
    private static let earlierTypesMax = 4

    /// What a statement takes beside its text and its name.
    static let overhead = 128

    /// Creates an empty table.
    ///
    /// - Parameters:
    ///   - seed: a secret of the process, so that nobody can choose texts that fall together.
    ///   - maker: makes the hashes that names are made of.
    public init(bytesMax: Int, seed: UInt64, maker: @escaping ContentHash.Maker) {
        self.bytesMax = bytesMax
        self.seed = seed
        self.maker = maker
    }

    /// How many statements there are, copies that no client uses included.
    public var count: Int { self.keys.count }

    /// The statement of whose name on servers a text speaks, and where.
    public func mentioned(in text: [UInt8]) -> (range: Range<Int>, statement: Int)? {
        let prefix = Array("weir_".utf8)
        let length = ContentHash.none.statementName.count - 1
        guard text.count >= length else { return nil }
        for start in 0...text.count - length where text[start...].starts(with: prefix) {
            let range = start..<start + length
            let known = self.keys.first { _, place in
                text[range].elementsEqual(self.entries[place].name.dropLast())
            }
            if let known { return (range, known.value) }
        }
        return nil
    }

    // Mutating, as those that follow: of another module's object the table would be copied first.

    /// What servers call a statement, with its zero.
    public mutating func name(of statement: Int) -> [UInt8] { self.entries[statement].name }

    /// The text and the declared types, as in a Parse.
    public mutating func body(of statement: Int) -> [UInt8] { self.entries[statement].body }

    /// What a server has said of its parameters, as in a ParameterDescription.
    public mutating func parameters(of statement: Int) -> [UInt8] { self.entries[statement].types }

    /// Whether running it may leave something behind in the session.
    public mutating func isSuspicious(_ statement: Int) -> Bool {
        self.entries[statement].isSuspicious
    }

    /// Whether running what a Parse says behind the name may leave something behind in the session.
    public static func isSuspicious(_ bytes: Span<UInt8>, in body: Range<Int>) -> Bool {
        let end = bytes.terminator(in: body) ?? body.upperBound
        return !TextMarks.isHarmless(bytes, in: body.lowerBound..<end)
    }

    /// The same with the types that a server has found, where the client has declared none: on a
    /// later server they are what the client was told.
    func resolvedBody(of statement: Int) -> [UInt8] {
        let body = self.entries[statement].body
        let types = self.entries[statement].types
        guard !types.isEmpty, !self.entries[statement].isDoubted, let end = body.firstIndex(of: 0)
        else { return body }
        return body[...end] + types
    }

    // MARK: Clients

    /// The statement with this content for one more client; nil when there is no room for it.
    ///
    /// - Parameter range: what follows the name in a Parse.
    mutating func hold(
        _ bytes: Span<UInt8>,
        in range: Range<Int>,
        pool: Int,
        parsing: ContentHash
    ) -> Int? {
        let isAlike = StatementCommand.isTransactionControl(bytes, in: range)
        let parsing = isAlike ? .none : parsing
        let content = self.content(bytes, range, pool, parsing)
        let known = self.contents.find(content) { place in
            self.entries[place].pool == pool && self.entries[place].parsing == parsing
                && Self.isEqual(self.entries[place].body, bytes, range)
        }
        if let known {
            self.entries[known].clients += 1
            return known
        }
        let size = range.count + Self.overhead
        guard self.bytes + size <= self.bytesMax else { return nil }
        let body = bytes.copy(range)
        let key = self.key(body, pool, parsing)
        let place = self.place(of: key)
        self.bytes += size
        self.entries[place].body = body
        self.entries[place].isCommand = StatementCommand.mayBe(body.span, in: 0..<body.count)
        self.entries[place].isAlike = isAlike
        self.entries[place].isSuspicious = Self.isSuspicious(body.span, in: 0..<body.count)
        self.entries[place].pool = pool
        self.entries[place].parsing = parsing
        self.entries[place].content = content
        self.entries[place].clients = 1
        self.contents.insert(content, place)
        return place
    }

    private func content(
        _ bytes: Span<UInt8>,
        _ range: Range<Int>,
        _ pool: Int,
        _ parsing: ContentHash
    ) -> UInt64 {
        let seed = self.seed ^ UInt64(truncatingIfNeeded: pool) ^ parsing.low
        return HashIndex.hash(bytes, in: range, seed: seed)
    }

    /// Counts one more Parse of an unnamed statement; whether it has come `count` times before.
    ///
    /// - Parameter range: what follows the name in it.
    public mutating func comesBack(
        _ bytes: Span<UInt8>,
        in range: Range<Int>,
        pool: PoolID,
        parsing: ContentHash,
        after count: Int
    ) -> Bool {
        let content = self.content(bytes, range, pool.index, parsing)
        return self.repetitions.comesBack(content, after: count)
    }

    /// Whether it means the same to a client with these settings.
    func isSame(_ statement: Int, parsing: ContentHash) -> Bool {
        self.entries[statement].isAlike || self.entries[statement].parsing == parsing
    }

    /// The same statement as `statement` for a client whose settings are others now; gives
    /// `statement` back. Nil when there is no room, and then nothing has changed.
    mutating func exchange(_ statement: Int, parsing: ContentHash) -> Int? {
        let body = self.entries[statement].body
        let other = self.hold(
            body.span,
            in: 0..<body.count,
            pool: self.entries[statement].pool,
            parsing: parsing
        )
        if other != nil { self.release(statement) }
        return other
    }

    /// A client has it no more.
    mutating func release(_ statement: Int) {
        self.entries[statement].clients -= 1
        guard self.entries[statement].clients == 0 else { return }
        self.bytes -= self.entries[statement].body.count + Self.overhead
        self.contents.remove(self.entries[statement].content, statement)
        self.entries[statement].body = []
        self.forget(statement)
    }

    /// Counts what a client's own name for a statement takes; false when there is no room.
    mutating func charge(_ size: Int) -> Bool {
        guard self.bytes + size <= self.bytesMax else { return false }
        self.bytes += size
        return true
    }

    mutating func refund(_ size: Int) { self.bytes -= size }

    // MARK: Servers

    /// A server has a copy, or will have one.
    mutating func holdCopy(of statement: Int) { self.entries[statement].copies += 1 }

    /// The statement of that key, of which a server that comes from another worker has a copy.
    mutating func holdCopy(of key: ContentHash) -> Int {
        let place = self.place(of: key)
        self.entries[place].copies += 1
        return place
    }

    mutating func releaseCopy(of statement: Int) {
        self.entries[statement].copies -= 1
        self.forget(statement)
    }

    /// A server has parsed it.
    mutating func accepted(_ statement: Int) { self.entries[statement].isAccepted = true }

    /// A server has said what its result looks like.
    mutating func described(_ statement: Int, shape: UInt64) {
        self.entries[statement].shape = shape
    }

    /// A server has found the types of its parameters.
    mutating func found(_ types: [UInt8], hash: UInt64, of statement: Int) {
        self.entries[statement].isDoubted = false
        guard self.entries[statement].typesHash != hash else { return }
        if self.entries[statement].typesHash != 0 {
            let earlier = self.entries[statement].earlierTypes
            self.entries[statement].earlierTypes =
                earlier.suffix(Self.earlierTypesMax - 1) + [self.entries[statement].types]
        }
        self.entries[statement].types = types
        self.entries[statement].typesHash = hash
    }

    /// Whether it has parameters whose types PostgreSQL finds.
    func hasOpenTypes(_ statement: Int) -> Bool {
        let (body, types) = (self.entries[statement].body, self.entries[statement].types)
        return !types.isEmpty && !body.elementsEqual(self.resolvedBody(of: statement))
    }

    /// Its table may have changed: the types of its parameters are to be found again.
    mutating func doubt(_ statement: Int) { self.entries[statement].isDoubted = true }

    /// The same statement with the types that a server had found for it before, for a client that
    /// goes by those; gives `statement` back. Nil when they are not known any more, or there is no
    /// room, and then nothing has changed.
    mutating func exchange(_ statement: Int, types hash: UInt64) -> Int? {
        let earlier = self.entries[statement].earlierTypes.last {
            ParameterTypes.hash($0.span, in: 0..<$0.count) == hash
        }
        let body = self.entries[statement].body
        guard let earlier, let end = body.firstIndex(of: 0) else { return nil }
        let resolved = body[...end] + earlier
        let other = self.hold(
            resolved.span,
            in: 0..<resolved.count,
            pool: self.entries[statement].pool,
            parsing: self.entries[statement].parsing
        )
        if other != nil { self.release(statement) }
        return other
    }

    // MARK: Entries

    private func key(_ body: [UInt8], _ pool: Int, _ parsing: ContentHash) -> ContentHash {
        let number = ContentHash(high: UInt64(pool), low: UInt64(body.count))
        return self.maker(number.bytes + parsing.bytes + body)
    }

    private mutating func place(of key: ContentHash) -> Int {
        if let place = self.keys[key] { return place }
        let entry = Entry(key: key, name: key.statementName)
        let place: Int
        if let reused = self.free.popLast() {
            place = reused
            self.entries[place] = entry
        } else {
            place = self.entries.count
            self.entries.append(entry)
        }
        self.keys[key] = place
        return place
    }

    private mutating func forget(_ statement: Int) {
        guard self.entries[statement].clients == 0, self.entries[statement].copies == 0 else {
            return
        }
        self.keys[self.entries[statement].key] = nil
        self.entries[statement] = Entry(key: .none)
        self.free.append(statement)
    }

    private static func isEqual(_ body: [UInt8], _ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool
    {
        guard body.count == range.count else { return false }
        for index in body.indices where body[index] != bytes[range.lowerBound + index] {
            return false
        }
        return true
    }
}
