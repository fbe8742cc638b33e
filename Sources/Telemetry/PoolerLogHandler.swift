public import Logging

/// Writes swift-log's events as PgBouncer writes its log, through a `LineWriter`.
///
/// The label is not shown. Metadata, of which the pooler's own messages have none, follows the
/// message as ` key=value`, sorted by key; an event's error follows as ` error=…`.
public struct PoolerLogHandler: LogHandler {
    /// Events below this level are not written.
    public var logLevel: Logger.Level

    /// Shown with every line.
    public var metadata: Logger.Metadata = [:]

    /// Gives metadata that depends on where the event comes from.
    public var metadataProvider: Logger.MetadataProvider?

    private let writer: LineWriter
    private let format: LogFormat

    /// Makes a handler; all handlers of a process share one writer and one format.
    public init(writer: LineWriter, format: LogFormat, logLevel: Logger.Level = .info) {
        self.writer = writer
        self.format = format
        self.logLevel = logLevel
    }

    /// One value of `metadata`.
    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.metadata[key] }
        set { self.metadata[key] = newValue }
    }

    /// Formats the event and queues its line; never waits for I/O.
    public func log(event: LogEvent) {
        let severity = LogSeverity(event.level)
        let (line, frameLength) = self.format.line(
            self.message(of: event),
            severity: severity,
            at: .now
        )
        self.writer.append(line, frameLength: frameLength, severity: severity)
    }

    private func message(of event: LogEvent) -> String {
        var message = event.message.description
        for (key, value) in self.mergedMetadata(with: event).sorted(by: { $0.key < $1.key }) {
            message += " \(key)=\(value)"
        }
        if let error = event.error { message += " error=\(error)" }
        return message
    }

    /// The event's own metadata goes before the provider's, and that before the handler's.
    private func mergedMetadata(with event: LogEvent) -> Logger.Metadata {
        var merged = self.metadata
        if let provided = self.metadataProvider?.get(), !provided.isEmpty {
            merged.merge(provided) { $1 }
        }
        if let own = event.metadata, !own.isEmpty { merged.merge(own) { $1 } }
        return merged
    }
}
