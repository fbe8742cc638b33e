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
