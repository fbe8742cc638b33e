internal import Pooling

/// Queues in etcd: the oldest place is first.
extension EtcdLedger {
    /// How long one watch for those before may last. Were the endpoint cut off from etcd's others,
    /// it would say nothing; asking anew goes to one that answers.
    static let watchPatience: Nanoseconds = 2_000_000_000

    /// Where a place is in its queue.
    enum Turn: Sendable {
        /// The place is not there any more.
        case gone
        /// Nobody is before it.
        case come
        /// Somebody is, and this is heard of when they leave.
        case behind(EtcdWatch)
    }

    /// Takes the lease's place in the queue for the gate.
    ///
    /// - Returns: when it was taken, as etcd counts, and whether nobody is before it.
    func takePlace(
        _ pass: GatePass,
        _ lease: Int64
    ) async throws(EtcdError) -> (revision: Int64, isFirst: Bool) {
        let key = self.keys.gate(of: lease)
        let answer = try await self.client.commit(
            EtcdTransaction([
                .put(key, try EtcdPlace(pass).encoded(), lease: lease), .range(.key(key)),
                .range(.first(self.keys.gate, .oldestFirst)),
            ]),
            isRepeatable: false
        )
        let places = answer.ranges.map { $0.first?.createRevision?.value ?? 0 }
        guard places.count == 2, places[0] > 0 else {
            throw .unusable("etcd: a place in the queue for the gate is not there")
        }
        return (places[0], places[1] == places[0])
    }

    /// Looks whether the turn has come of the place that was taken at a revision.
    func turn(_ revision: Int64, _ lease: Int64) async throws(EtcdError) -> Turn {
        let before = EtcdRange.first(self.keys.gate, .newestFirst, createdUntil: revision - 1)
        let answer = try await self.client.commit(
            EtcdTransaction([.range(.key(self.keys.gate(of: lease))), .range(before)]),
            isRepeatable: true
        )
        let places = answer.ranges.map(\.first)
        guard places.count == 2, places[0]?.createRevision?.value == revision else { return .gone }
        guard let before = places[1] else { return .come }
        let key = String(decoding: before.key, as: UTF8.self)
        return .behind(EtcdWatch(key, from: answer.revision + 1))
    }

    /// Waits until a key is deleted, or for a while.
    func waitForDeletion(_ watch: EtcdWatch, _ patience: Nanoseconds) async {
        let client = self.client
        await withTaskGroup { group in
            group.addTask {
                do {
                    try await client.watch(watch) { $0.isDeletion }
                } catch {
                    // The next question tells; it is not asked in a hurry.
                    await EtcdLoop.shared.sleep(100_000_000)
                }
            }
            group.addTask { await EtcdLoop.shared.sleep(patience) }
            await group.next()
            group.cancelAll()
        }
    }
}
