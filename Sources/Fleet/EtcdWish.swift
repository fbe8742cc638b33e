internal import Pooling

/// What an engine is to do, in the order in which it hears of it.
enum EtcdWish: Sendable {
    /// What its member wants.
    case action(FleetAction)
    /// To read the board for people.
    case reading
    /// To rest, if the session still has this lease.
    case rest(Int64)
}
