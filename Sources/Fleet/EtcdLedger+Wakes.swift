internal import Pooling

extension EtcdLedger {
    // MARK: Wake-ups

    /// Listens to who wakes, at the endpoint that answers now.
    func listen(_ lease: Int64) {
        self.session?.listening?.cancel()
        self.session?.listening = EtcdLoop.shared.start { await self.hearWakes(lease) }
    }

    private func hearWakes(_ lease: Int64) async {
        var pause: Nanoseconds = 100_000_000
        while !Task.isCancelled, self.session?.lease == lease {
            self.session?.listensAt = self.client.endpoint
            let start = self.session?.wokenUntil ?? 0
            let watch = EtcdWatch(self.keys.wake, from: start == 0 ? 0 : start + 1)
            try? await self.client.watch(watch) { answer in
                guard !Task.isCancelled, self.session?.lease == lease else { return true }
                if answer.end == nil { pause = 100_000_000 }
                self.heard(answer)
                return false
            }
            // Whatever is said in the meantime is heard of later.
            await EtcdLoop.shared.sleep(pause)
            pause = min(2 * pause, 5_000_000_000)
        }
    }

    private func heard(_ answer: EtcdWatch.Answer) {
        let own = EtcdKeys.name(of: self.context.identity.member)
        if answer.isForgotten {
            self.session?.wokenUntil = 0
            return self.tell(.woken)
        }
        let until = max(self.session?.wokenUntil ?? 0, answer.revision)
        self.session?.wokenUntil = until
        if answer.written.contains(where: { $0.text != own }) { self.tell(.woken) }
    }
}
