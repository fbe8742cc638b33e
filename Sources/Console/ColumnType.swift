/// The types of the console's columns, by their OID in `pg_type`. Every value is sent as text
/// whatever its type.
enum ColumnType: Int32, Equatable, Sendable {
    case bytea = 17
    case int8 = 20
    case int4 = 23
    case text = 25
    case numeric = 1700
}
