/// A five-character error code (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
public struct SQLState: Hashable, Sendable, CustomStringConvertible {
    /// The five characters; a string of this size is stored in place.
    public let code: String

    /// Creates a code from its five characters.
    public init(_ code: String) {
        self.code = code
    }

    public var description: String { self.code }

    /// Whether it may be for the types of parameters that a Bind fails: data exceptions, what is
    /// wrong with a statement, and values in binary form that are none of their type.
    public var mayBeOfTypes: Bool {
        self.code.hasPrefix("22") || self.code.hasPrefix("42") || self == .protocolViolation
    }

    /// `00000`
    public static let success = SQLState("00000")
    /// `01000`
    public static let warning = SQLState("01000")
    /// `08006`: the connection to the server broke.
    public static let connectionFailure = SQLState("08006")
    /// `08P01`: bytes that the protocol does not allow here.
    public static let protocolViolation = SQLState("08P01")
    /// `0A000`
    public static let featureNotSupported = SQLState("0A000")
    /// `22021`: bytes that are no text in the encoding expected.
    public static let characterNotInRepertoire = SQLState("22021")
    /// `22023`
    public static let invalidParameterValue = SQLState("22023")
    /// `25P02`: commands are refused until the end of the failed transaction.
    public static let failedTransaction = SQLState("25P02")
    /// `25P03`
    public static let idleInTransactionTimeout = SQLState("25P03")
    /// `25P04`
    public static let transactionTimeout = SQLState("25P04")
    /// `28000`
    public static let invalidAuthorization = SQLState("28000")
    /// `28P01`
    public static let invalidPassword = SQLState("28P01")
    /// `3D000`: no such database.
    public static let invalidCatalogName = SQLState("3D000")
    /// `26000`: a prepared statement that does not exist.
    public static let invalidStatementName = SQLState("26000")
    /// `42601`: what cannot be read as a command.
    public static let syntaxError = SQLState("42601")
    /// `42704`: nothing has that name.
    public static let undefinedObject = SQLState("42704")
    /// `42P05`: a prepared statement that exists already.
    public static let duplicatePreparedStatement = SQLState("42P05")
    /// `42501`
    public static let insufficientPrivilege = SQLState("42501")
    /// `53000`
    public static let insufficientResources = SQLState("53000")
    /// `53200`
    public static let outOfMemory = SQLState("53200")
    /// `53300`: the house is full.
    public static let tooManyConnections = SQLState("53300")
    /// `53400`: a limit of the configuration.
    public static let configurationLimitExceeded = SQLState("53400")
    /// `54000`
    public static let programLimitExceeded = SQLState("54000")
    /// `57014`
    public static let queryCanceled = SQLState("57014")
    /// `57P01`
    public static let adminShutdown = SQLState("57P01")
    /// `57P03`: the server does not accept connections now.
    public static let cannotConnectNow = SQLState("57P03")
    /// `57P05`
    public static let idleSessionTimeout = SQLState("57P05")
    /// `F0000`
    public static let configurationFileError = SQLState("F0000")
    /// `XX000`
    public static let internalError = SQLState("XX000")
}
