extension MessageWriter {
    /// Authentication (`R`): the request's code and what follows it.
    public mutating func authentication(code: Int32, data: [UInt8] = []) {
        self.message(BackendKind.authentication.rawValue) {
            $0.int32(code)
            $0.raw(data)
        }
    }

    /// ParameterStatus (`S`).
    public mutating func parameterStatus(_ name: String, _ value: String) {
        self.message(BackendKind.parameterStatus.rawValue) {
            $0.string(name)
            $0.string(value)
        }
    }

    /// BackendKeyData (`K`).
    public mutating func backendKeyData(_ key: CancelKey) {
        self.message(BackendKind.backendKeyData.rawValue) {
            $0.int32(Int32(bitPattern: key.processID))
            $0.raw(key.secret)
        }
    }

    /// NegotiateProtocolVersion (`v`): the minor version spoken, and the options not known.
    public mutating func negotiateProtocolVersion(minor: Int32, unknownOptions: [String]) {
        self.message(BackendKind.negotiateProtocolVersion.rawValue) {
            $0.int32(3 << 16 | minor)
            $0.int32(Int32(truncatingIfNeeded: unknownOptions.count))
            for option in unknownOptions { $0.string(option) }
        }
    }

    /// ReadyForQuery (`Z`).
    public mutating func readyForQuery(_ status: TransactionStatus) {
        self.message(BackendKind.readyForQuery.rawValue) { $0.byte(status.rawValue) }
    }

    /// ErrorResponse (`E`).
    public mutating func error(_ fields: ErrorFields) {
        self.fields(BackendKind.error.rawValue, fields)
    }

    /// ErrorResponse (`E`) with a body that is there already.
    public mutating func error(body: some Collection<UInt8>) {
        self.message(BackendKind.error.rawValue) { $0.raw(Array(body)) }
    }

    /// ParameterDescription (`t`) with a body that is there already.
    public mutating func parameterDescription(body: [UInt8]) {
        self.message(BackendKind.parameterDescription.rawValue) { $0.raw(body) }
    }

    /// NoticeResponse (`N`).
    public mutating func notice(_ fields: ErrorFields) {
        self.fields(BackendKind.notice.rawValue, fields)
    }

    private mutating func fields(_ kind: UInt8, _ fields: ErrorFields) {
        self.message(kind) {
            $0.field("S", fields.severity.rawValue)
            $0.field("V", fields.severity.rawValue)
            $0.field("C", fields.sqlState.code)
            $0.field("M", fields.message)
            if let detail = fields.detail { $0.field("D", detail) }
            if let hint = fields.hint { $0.field("H", hint) }
            if let routine = fields.routine { $0.field("R", routine) }
            $0.byte(0)
        }
    }

    private mutating func field(_ code: Unicode.Scalar, _ text: String) {
        self.byte(UInt8(ascii: code))
        self.string(text)
    }

    /// RowDescription (`T`) of columns in text format; each is a name and the OID of its type.
    public mutating func rowDescription(_ columns: [(name: String, type: Int32)]) {
        self.message(BackendKind.rowDescription.rawValue) {
            $0.int16(columns.count)
            for column in columns {
                $0.string(column.name)
                $0.int32(0)  // no table
                $0.int16(0)  // no column of it
                $0.int32(column.type)
                $0.int16(Self.size(ofType: column.type))
                $0.int32(-1)  // no modifier
                $0.int16(0)  // text
            }
        }
    }

    /// `pg_type.typlen` of the types that the console uses.
    private static func size(ofType type: Int32) -> Int {
        switch type {
        case 20: 8
        case 23: 4
        default: -1
        }
    }

    /// DataRow (`D`) of text values; nil is NULL.
    public mutating func dataRow(_ values: [String?]) {
        self.message(BackendKind.dataRow.rawValue) {
            $0.int16(values.count)
            for value in values {
                guard let value else {
                    $0.int32(-1)
                    continue
                }
                let utf8 = Array(value.utf8)
                $0.int32(Int32(truncatingIfNeeded: utf8.count))
                $0.raw(utf8)
            }
        }
    }

    /// ParseComplete (`1`).
    public mutating func parseComplete() {
        self.message(BackendKind.parseComplete.rawValue) { _ in }
    }

    /// CloseComplete (`3`).
    public mutating func closeComplete() {
        self.message(BackendKind.closeComplete.rawValue) { _ in }
    }

    /// CommandComplete (`C`).
    public mutating func commandComplete(_ tag: String) {
        self.message(BackendKind.commandComplete.rawValue) { $0.string(tag) }
    }

    /// EmptyQueryResponse (`I`).
    public mutating func emptyQuery() {
        self.message(BackendKind.emptyQuery.rawValue) { _ in }
    }
}
