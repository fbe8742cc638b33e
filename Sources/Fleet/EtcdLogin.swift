/// What a user says to get a token, which goes with every request from then on.
struct EtcdLogin: Encodable, Sendable {
    /// What etcd answers.
    struct Answer: Decodable, Sendable {
        /// The token.
        var token: String
    }

    /// The user.
    var name: String
    /// The password.
    var password: String
}
