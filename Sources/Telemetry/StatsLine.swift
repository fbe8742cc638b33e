/// The line that `log_stats` writes each `stats_period`.
public enum StatsLine {
    /// Formats the averages of a period exactly as PgBouncer 1.25.2 does.
    ///
    /// Log readers such as pgBadger match this text, so nothing may be added to it.
    ///
    /// - Parameter averages: the averages over all pools.
    /// - Returns: the message, without frame and without newline.
    public static func format(_ averages: StatsAverages) -> String {
        "stats: \(averages.xactCount) xacts/s, \(averages.queryCount) queries/s, "
            + "\(averages.clientParseCount) client parses/s, "
            + "\(averages.serverParseCount) server parses/s, "
            + "\(averages.bindCount) binds/s, "
            + "in \(averages.bytesReceived) B/s, out \(averages.bytesSent) B/s, "
            + "xact \(averages.xactTime) us, query \(averages.queryTime) us, "
            + "wait \(averages.waitTime) us"
    }
}
