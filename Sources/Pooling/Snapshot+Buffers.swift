extension Snapshot {
    /// What a connection has buffered, in bytes: the last columns of SHOW SOCKETS. All are 0 while
    /// it holds no buffer.
    public struct Buffers: Equatable, Sendable {
        /// Up to where the receive buffer is filled.
        public var receivePosition = 0
        /// Up to where it has been read.
        public var packetPosition = 0
        /// What is still to come of the current message.
        public var packetRemaining = 0
        /// Up to where it has been sent.
        public var sendPosition = 0
        /// What is still to be sent of the current message.
        public var sendRemaining = 0
        /// Received and not read.
        public var packetAvailable = 0
        /// Read and not sent.
        public var sendAvailable = 0

        /// Creates empty buffers.
        public init() {}
    }
}
