/// Parameters of PostgreSQL that drivers ask for or set when they log in. The console says what
/// they like to hear and ignores what they set. The last two are Weir's own: drivers set them, and
/// have no use for an error.
enum PretendParameter: String, Equatable, Sendable, CaseIterable {
    case clientEncoding = "client_encoding"
    case transactionIsolation = "default_transaction_isolation"
    case standardStrings = "standard_conforming_strings"
    case dateStyle = "datestyle"
    case timeZone = "timezone"
    case applicationName = "application_name"
    case extraFloatDigits = "extra_float_digits"

    /// What SHOW answers.
    var value: String {
        switch self {
        case .clientEncoding: "UTF-8"
        case .transactionIsolation: "read committed"
        case .standardStrings: "on"
        case .dateStyle: "ISO"
        case .timeZone: "GMT"
        case .applicationName: ""
        case .extraFloatDigits: "1"
        }
    }

    /// One column named like the parameter, one row.
    var table: Table {
        Table([self.value], [.text(self.rawValue) { $0 }])
    }
}
