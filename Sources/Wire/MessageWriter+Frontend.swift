extension MessageWriter {
    /// StartupMessage of protocol 3.0 with its parameters, in order.
    public mutating func startup(_ parameters: [(name: String, value: String)]) {
        self.counted {
            $0.int32(StartupRequest.version3)
            for parameter in parameters {
                $0.string(parameter.name)
                $0.string(parameter.value)
            }
            $0.byte(0)
        }
    }

    /// CancelRequest; `secret` is what BackendKeyData carried after the process ID.
    public mutating func cancelRequest(processID: UInt32, secret: [UInt8]) {
        self.counted {
            $0.int32(StartupRequest.cancelCode)
            $0.int32(Int32(bitPattern: processID))
            $0.raw(secret)
        }
    }

    /// A password message (`p`), or a step of SASL; `body` as it is.
    public mutating func password(body: [UInt8]) {
        self.message(FrontendKind.password.rawValue) { $0.raw(body) }
    }

    /// Query (`Q`).
    public mutating func query(_ text: String) {
        self.message(FrontendKind.query.rawValue) { $0.string(text) }
    }

    /// Close (`C`) of the prepared statement `name`; the empty name is the unnamed one.
    public mutating func closeStatement(_ name: String) {
        self.message(FrontendKind.close.rawValue) {
            $0.byte(UInt8(ascii: "S"))
            $0.string(name)
        }
    }

    /// Parse (`P`): `name` ends with its zero; `body` is what follows it.
    public mutating func parse(name: [UInt8], body: [UInt8]) {
        self.message(FrontendKind.parse.rawValue) {
            $0.raw(name)
            $0.raw(body)
        }
    }

    /// Describe (`D`) of the prepared statement `name`, which ends with its zero.
    public mutating func describeStatement(name: [UInt8]) {
        self.message(FrontendKind.describe.rawValue) {
            $0.byte(UInt8(ascii: "S"))
            $0.raw(name)
        }
    }

    /// Close (`C`) of the prepared statement `name`, which ends with its zero.
    public mutating func closeStatement(name: [UInt8]) {
        self.message(FrontendKind.close.rawValue) {
            $0.byte(UInt8(ascii: "S"))
            $0.raw(name)
        }
    }

    /// The beginning of a Bind (`B`): its header for a message of `length` bytes, its portal, which
    /// is `portal` of `bytes` and ends with its zero, and the name of its statement, with its zero.
    public mutating func bindHead(
        length: Int,
        portal: Range<Int>,
        of bytes: Span<UInt8>,
        statement name: [UInt8]
    ) {
        self.byte(FrontendKind.bind.rawValue)
        self.int32(Int32(truncatingIfNeeded: length - 1))
        self.raw(portal, of: bytes)
        self.raw(name)
    }

    /// Flush (`H`).
    public mutating func flush() {
        self.message(FrontendKind.flush.rawValue) { _ in }
    }

    /// Sync (`S`).
    public mutating func sync() {
        self.message(FrontendKind.sync.rawValue) { _ in }
    }

    /// CopyFail (`f`) with its reason.
    public mutating func copyFail(_ reason: String) {
        self.message(FrontendKind.copyFail.rawValue) { $0.string(reason) }
    }

    /// Terminate (`X`).
    public mutating func terminate() {
        self.message(FrontendKind.terminate.rawValue) { _ in }
    }
}
