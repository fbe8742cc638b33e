/// The opened destinations of a `LogTarget`.
struct LineSinks: Sendable {
    private var file: DescriptorSink?
    private var descriptor: DescriptorSink?
    private let syslog: SyslogSink?

    init(opening target: LogTarget) throws(LogTargetError) {
        if let path = target.file {
            let file = try LogFile(path: path)
            self.file = DescriptorSink(
                descriptor: file.descriptor,
                file: file,
                isPatient: target.descriptor == nil && target.syslog == nil
            )
        }
        if let descriptor = target.descriptor {
            self.descriptor = DescriptorSink(
                descriptor: descriptor,
                isPatient: target.file == nil && target.syslog == nil
            )
        }
        self.syslog = target.syslog.map(SyslogSink.init)
    }

    /// Takes over what earlier sinks still have to report.
    mutating func inherit(from earlier: LineSinks) {
        if let sink = earlier.file { self.file?.inherit(from: sink) }
        if let sink = earlier.descriptor { self.descriptor?.inherit(from: sink) }
    }

    /// Writes a batch everywhere; returns how many lines could not be written.
    mutating func write(
        _ batch: LineBatch,
        for queue: LineQueue,
        lossReport: LineWriter.LossReport
    ) -> UInt64 {
        var unwritten: UInt64 = 0
        unwritten &+= self.file?.write(batch, for: queue, lossReport: lossReport) ?? 0
        unwritten &+= self.descriptor?.write(batch, for: queue, lossReport: lossReport) ?? 0
        self.syslog?.write(batch, lossReport: lossReport)
        return unwritten
    }
}
