import Pooling

/// The client that has brought a cancel request, and the worker that has it.
struct CancelRequester: Sendable {
    var worker: Int
    var client: ClientID
}
