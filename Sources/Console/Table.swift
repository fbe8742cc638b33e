import Wire

/// A result set: columns and rows of text.
struct Table: Equatable, Sendable {
    /// Name and type of a column.
    struct Column: Equatable, Sendable {
        let name: String
        let type: ColumnType
    }

    /// The columns, from left to right.
    let columns: [Column]
    /// The rows; each has a value a column, nil is NULL.
    let rows: [[String?]]

    /// A table with a row for each of `rows` and a column for each of `fields`.
    init<Row>(_ rows: some Sequence<Row>, _ fields: [Field<Row>]) {
        self.columns = fields.map { Column(name: $0.name, type: $0.type) }
        self.rows = rows.map { row in fields.map { $0.value(row) } }
    }

    /// Writes RowDescription and a DataRow for each row.
    func write(to writer: inout MessageWriter) {
        writer.rowDescription(self.columns.map { (name: $0.name, type: $0.type.rawValue) })
        for row in self.rows { writer.dataRow(row) }
    }
}
