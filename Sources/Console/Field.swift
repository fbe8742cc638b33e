/// One column of a table, and how its value is read from a row.
struct Field<Row>: Sendable {
    /// The column's name.
    let name: String
    /// The column's type.
    let type: ColumnType
    /// The value as text; nil is NULL.
    let value: @Sendable (Row) -> String?

    static func text(_ name: String, _ value: @escaping @Sendable (Row) -> String?) -> Field {
        Field(name: name, type: .text, value: value)
    }

    /// An int4; what does not fit is shown as the nearest value that does, since drivers refuse the
    /// whole row otherwise.
    static func int4(_ name: String, _ value: @escaping @Sendable (Row) -> Int?) -> Field {
        Field(name: name, type: .int4) { row in value(row).map { "\(Int32(clamping: $0))" } }
    }

    /// An int4 that names something, so that it is never changed to fit.
    static func identifier(_ name: String, _ value: @escaping @Sendable (Row) -> Int64) -> Field {
        Field(name: name, type: .int4) { row in "\(value(row))" }
    }

    static func int8(_ name: String, _ value: @escaping @Sendable (Row) -> Int64?) -> Field {
        Field(name: name, type: .int8) { row in value(row).map { "\($0)" } }
    }

    static func numeric(_ name: String, _ value: @escaping @Sendable (Row) -> UInt64) -> Field {
        Field(name: name, type: .numeric) { row in "\(value(row))" }
    }

    /// 1 or 0.
    static func flag(_ name: String, _ value: @escaping @Sendable (Row) -> Bool) -> Field {
        Field(name: name, type: .int4) { row in value(row) ? "1" : "0" }
    }

    /// A point in time, in microseconds since 1970, shown as local time.
    static func time(_ name: String, _ value: @escaping @Sendable (Row) -> Int64) -> Field {
        Field(name: name, type: .text) { row in Timestamp(value(row)).text }
    }

    /// A column that exists for compatibility and never has a value.
    static func null(_ name: String, _ type: ColumnType) -> Field {
        Field(name: name, type: type) { _ in nil }
    }
}
