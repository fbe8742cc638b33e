import Wire

/// Where a client may hear something else than PostgreSQL would have told it. All of them are here;
/// `docs/decisions/0007-prepared-statements.md` says why.
enum AllowedDifference: String, CaseIterable {
    /// The client has asked for a cancel, and it has met this message, or one that the pooler had
    /// put before it.
    case canceled
    /// No server came in time, or the wait was canceled.
    case waitEnded
    /// The clients' statements take all the memory that there is for them.
    case memory
    /// A Parse that needed no server was answered although a table has gone; its Bind tells.
    case goneAtBind
    /// A result has changed, and the client could not have noticed: it has not asked, and does not
    /// read by the byte, or it is not known whether it prepared before or after; or it asks about
    /// the unnamed statement, and is told.
    case unnoticed
    /// The server's copy is old or gone, and the batch could not be sent again: inside a block, or
    /// behind something that has been bound or has nothing to do with shared statements, or where
    /// other batches are under way before it or behind it.
    case oldCopy
    /// After such an error once more, as the pooler took a guess for the truth.
    case oldCopyAgain
    /// The unnamed statement fails on a server that has it as PostgreSQL would, after another one
    /// that had to parse it anew did not.
    case unnamedElsewhere
    /// Which statement the unnamed one was before errors that have thrown away many changes of it.
    case unnamedForgotten
    /// In a failed transaction, a statement that the server has not prepared: a Describe of one
    /// that returns nothing would go well, and other mistakes would be found first.
    case failedTransaction
    /// A Describe whose statement is parsed again, and whose table has gone: the error comes
    /// without the parameters that PostgreSQL sends before.
    case noParameters
    /// A message has two mistakes, and the other one was found first: the statement is parsed, or
    /// its shape compared, before the values, or whether the table is still there, are looked at.
    case otherMistake
    /// SQL's EXECUTE of a statement whose result has changed: it is parsed again, and the result is
    /// described anew.
    case executedAnew
    /// What is wrong with the statement that SQL's EXECUTE names comes at the Bind of the EXECUTE,
    /// or was so a moment before a simple query, when the statement was parsed.
    case executedAtBind
    /// SQL's DEALLOCATE of a statement that is prepared between the Bind of the DEALLOCATE and its
    /// Execute.
    case deallocatedAtBind
    /// The settings have changed since the Parse, and the statement was parsed again under them.
    case settings
    /// Two names of one client for one text: a wrong number of values is told of the other.
    case otherName

    /// What an expected answer becomes by it.
    enum Effect: Equatable {
        case fail
        case refuse
        case pass
        /// The statement of this name is taken as it is now.
        case adopt(String)
    }

    /// What is known where an answer differs.
    struct Case {
        var request: PostgresRequest
        /// What PostgreSQL would have said.
        var natural: PostgresReply
        var given: PostgresReply
        var hasCanceled: Bool
        /// The transaction has failed.
        var isFailed: Bool
        /// The batch could have been sent again.
        var isRepeatable: Bool
        /// What is known of the statement that the message names.
        var known: StatementOracle.Known
        /// The name of the statement that is executed by SQL.
        var executed: String?
        /// It is about the unnamed statement.
        var isOfUnnamed: Bool {
            switch self.request {
            case .bind(_, let name, _, _), .describeStatement(let name): name.isEmpty
            default: false
            }
        }
        /// It runs a DEALLOCATE that has been bound.
        var isBoundDeallocate: Bool
    }

    /// The difference that explains an answer, and what follows from it; nil when nothing does.
    static func explaining(_ it: Case) -> (difference: AllowedDifference, effect: Effect)? {
        it.given.kind == .error ? Self.explaining(error: it) : Self.explaining(success: it)
    }

    private static func explaining(error it: Case) -> (AllowedDifference, Effect)? {
        let isPooler = it.given.origin == .pooler
        switch it.given.code {
        case "57014" where it.hasCanceled:
            return isPooler ? (.waitEnded, .refuse) : (.canceled, .fail)
        case "53300" where isPooler: return (.waitEnded, .refuse)
        case "53200" where it.given.origin == .refusal: return (.memory, .fail)
        case "26000" where it.isBoundDeallocate: return (.deallocatedAtBind, .fail)
        case "25P02" where it.isFailed:
            if it.natural.kind == .error { return (.failedTransaction, .fail) }
            guard case .describeStatement = it.request else { return nil }
            return (.failedTransaction, .fail)
        case "42P01":
            if case .describeStatement = it.request, it.natural.kind == .parameterDescription {
                return (.noParameters, .fail)
            }
            let isEarly = if case .bind = it.request { true } else { it.given.origin == .refusal }
            if isEarly, it.executed != nil { return (.executedAtBind, .fail) }
        case "0A000" where it.given.origin == .refusal && it.known.isDoubtful:
            return (.oldCopyAgain, .fail)
        case "0A000" where it.given.origin == .server && it.known.isParsedAnew && it.isOfUnnamed:
            return (.unnamedElsewhere, .fail)
        case "26000" where it.given.origin == .server && it.known.isForgotten && it.isOfUnnamed:
            return (.unnamedForgotten, .fail)
        case "0A000", "26000":
            guard it.given.origin == .server, it.given.isOfCopy else { break }
            if it.natural.kind == .error { return (.otherMistake, .fail) }
            guard !it.isRepeatable else { break }
            return (.oldCopy, .fail)
        default: break
        }
        guard it.natural.kind == .error, ["42P01", "0A000"].contains(it.given.code) else {
            return nil
        }
        switch (it.request, it.natural.code) {
        case (.bind, "08P01"), (.bind, "42P03"), (.bind, "22P02"): return (.otherMistake, .fail)
        case (.bind, "42P01") where it.given.origin == .refusal: return (.otherMistake, .fail)
        case (_, "42601") where it.executed != nil: return (.otherMistake, .fail)
        default: return nil
        }
    }

    private static func explaining(success it: Case) -> (AllowedDifference, Effect)? {
        guard it.natural.kind == .error else { return nil }
        switch (it.request, it.natural.code) {
        case (.parse, "42P01") where it.given.origin == .madeUp: return (.goneAtBind, .pass)
        case (.bind(_, let name, _, let isBinary), "0A000"):
            let couldNotice = isBinary && !it.known.isGuess && !it.known.isDoubtful
            guard !it.known.isTold, !couldNotice || name.isEmpty else { return nil }
            return (.unnoticed, .adopt(name))
        case (.describeStatement(let name), "0A000"):
            return it.known.isTold && !name.isEmpty ? nil : (.unnoticed, .adopt(name))
        case (_, "0A000"): return it.executed.map { (.executedAnew, .adopt($0)) }
        default: return nil
        }
    }
}
