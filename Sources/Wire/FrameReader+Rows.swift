extension FrameReader {
    /// Where a run of whole messages of one kind ends: for the rows of a result, which are most of
    /// what a pooler passes on and need no look beyond their headers.
    ///
    /// - Returns: the offset behind the last whole message of the run that starts at `offset`;
    ///   `offset` itself when there is none. A message whose length is wrong, too large or not
    ///   there whole ends the run, and `next(in:at:)` judges it.
    public func endOfRun(of kind: UInt8, in bytes: Span<UInt8>, from offset: Int) -> Int {
        let limit = self.limit
        // A loop over raw memory, since it runs once a row: bounds are checked once a message
        // rather than once a byte, and a length below 4 is a huge one after the subtraction.
        return unsafe bytes.withUnsafeBytes { memory in
            let count = memory.count
            let lastHeader = count - Frame.headerLength
            // A length field counts all but the kind.
            let range = UInt32(clamping: min(limit, count) - Frame.headerLength + 1)
            var position = offset
            while position <= lastHeader, unsafe memory[position] == kind {
                let field = unsafe UInt32(
                    bigEndian: memory.loadUnaligned(fromByteOffset: position + 1, as: UInt32.self)
                )
                guard field &- 4 < range else { break }
                let next = position + 1 + Int(field)
                guard next <= count else { break }
                position = next
            }
            return position
        }
    }
}
