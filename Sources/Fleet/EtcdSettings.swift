/// How etcd is reached: `etcd_endpoints` and what belongs to it.
public struct EtcdSettings: Equatable, Sendable {
    /// Where etcd's members are, as `http://HOST:PORT` or `https://HOST:PORT`. The first is asked
    /// until it fails, then the next.
    public var endpoints: [String]
    /// The user that etcd knows; nil where its authentication is off.
    public var user: String?
    /// The user's password.
    public var password: String?
    /// A PEM file with the certificates of those who may have signed etcd's; nil takes the
    /// system's.
    public var caFile: String?
    /// A PEM file with the certificate chain that etcd is shown.
    public var certificateFile: String?
    /// A PEM file with the private key of that certificate.
    public var keyFile: String?

    /// Creates settings.
    public init(
        endpoints: [String],
        user: String? = nil,
        password: String? = nil,
        caFile: String? = nil,
        certificateFile: String? = nil,
        keyFile: String? = nil
    ) {
        self.endpoints = endpoints
        self.user = user
        self.password = password
        self.caFile = caFile
        self.certificateFile = certificateFile
        self.keyFile = keyFile
    }

    /// Sees whether the endpoints can be read, and the files.
    public func check() throws(EtcdError) {
        _ = try EtcdClient.endpoints(self)
        _ = try EtcdClient.encryption(self)
    }
}
