/// An answer of which nothing is wanted.
struct EtcdNothing: Decodable, Sendable {}
