/// What is asked about a lease, and answered.
enum EtcdLease {
    /// Wants a lease that lives for so many seconds after each renewal.
    struct Grant: Encodable, Sendable {
        var seconds: EtcdNumber

        enum CodingKeys: String, CodingKey { case seconds = "TTL" }
    }

    /// Names a lease: to renew or to end it.
    struct Name: Encodable, Sendable {
        var lease: EtcdNumber

        enum CodingKeys: String, CodingKey { case lease = "ID" }
    }

    /// What etcd says of a lease.
    struct Answer: Decodable, Sendable {
        /// etcd's revision at that moment.
        var header: EtcdHeader
        /// Which.
        var lease: EtcdNumber?
        /// For how many seconds it lives; missing where there is no such lease any more.
        var seconds: EtcdNumber?

        enum CodingKeys: String, CodingKey {
            case header
            case lease = "ID"
            case seconds = "TTL"
        }
    }
}
