import Locking

/// Messages from any thread to the thread of one loop.
///
/// Posting to an empty mailbox wakes the loop; the owner drains it when `.woken` comes. The two
/// arrays change places at each drain, so the steady state allocates nothing.
public final class Mailbox<Message: Sendable>: Sendable {
    private let messages = Locked<[Message]>([])
    private let wakeHandle: WakeHandle
    private let limit: Int

    /// - Parameters:
    ///   - wakeHandle: The loop to wake.
    ///   - limit: Messages that may wait; a loop that does not come round for that long is
    ///     stuck, and memory must not grow with it.
    public init(waking wakeHandle: WakeHandle, limit: Int = 1 << 20) {
        self.wakeHandle = wakeHandle
        self.limit = limit
    }

    /// Adds a message and wakes the loop. `false`: the mailbox is full and has not taken it.
    @discardableResult
    public func post(_ message: Message) -> Bool {
        let isTaken = self.messages.withLock { messages in
            if messages.count >= self.limit {
                return false
            }
            messages.append(message)
            return true
        }
        self.wakeHandle.wake()
        return isTaken
    }

    /// Appends all messages to `batch`, oldest first, and empties the mailbox.
    ///
    /// Pass the same array each time, emptied with its capacity kept.
    public func drain(into batch: inout [Message]) {
        self.messages.withLock { messages in
            if batch.isEmpty {
                swap(&messages, &batch)
            } else {
                batch += messages
                messages.removeAll(keepingCapacity: true)
            }
        }
    }
}
