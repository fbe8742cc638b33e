internal import Glibc

/// Date and time of day in a time zone, to the second.
public struct CivilTime: Sendable, Equatable {
    /// The year of the common era.
    public var year: Int
    /// 1 to 12.
    public var month: Int
    /// 1 to 31.
    public var day: Int
    /// 0 to 23.
    public var hour: Int
    /// 0 to 59.
    public var minute: Int
    /// 0 to 60.
    public var second: Int
    /// Seconds to add to UTC to get this time.
    public var offset: Int
    /// The zone's abbreviation, e.g. `CET`.
    public var zone: String

    /// Makes a time from its parts.
    public init(
        year: Int,
        month: Int,
        day: Int,
        hour: Int,
        minute: Int,
        second: Int,
        offset: Int = 0,
        zone: String = "UTC"
    ) {
        self.year = year
        self.month = month
        self.day = day
        self.hour = hour
        self.minute = minute
        self.second = second
        self.offset = offset
        self.zone = zone
    }

    /// Converts to the time zone of the process (`TZ`, `/etc/localtime`).
    ///
    /// - Parameter seconds: since 1970-01-01 00:00:00 UTC. What the C library cannot convert, years
    ///   beyond its range, is taken for 1970.
    public static func local(seconds: Int64) -> CivilTime {
        _ = Self.zoneIsRead
        var input = time_t(seconds)
        var parts = unsafe tm()
        guard unsafe localtime_r(&input, &parts) != nil else {
            return CivilTime(year: 1970, month: 1, day: 1, hour: 0, minute: 0, second: 0)
        }
        let zone =
            if let name = unsafe parts.tm_zone { unsafe String(cString: name) } else { "UTC" }
        return CivilTime(
            year: unsafe Int(parts.tm_year) + 1900,
            month: unsafe Int(parts.tm_mon) + 1,
            day: unsafe Int(parts.tm_mday),
            hour: unsafe Int(parts.tm_hour),
            minute: unsafe Int(parts.tm_min),
            second: unsafe Int(parts.tm_sec),
            offset: unsafe Int(parts.tm_gmtoff),
            zone: zone
        )
    }

    /// Reads the time zone once: `localtime_r` need not.
    private static let zoneIsRead: Bool = {
        tzset()
        return true
    }()

    /// Appends `YYYY-MM-DD`, the separator, and `HH:MM:SS`.
    func append(to bytes: inout [UInt8], separator: UInt8) {
        bytes.appendDecimal(self.year, width: 4)
        bytes.append(UInt8(ascii: "-"))
        bytes.appendDecimal(self.month, width: 2)
        bytes.append(UInt8(ascii: "-"))
        bytes.appendDecimal(self.day, width: 2)
        bytes.append(separator)
        bytes.appendDecimal(self.hour, width: 2)
        bytes.append(UInt8(ascii: ":"))
        bytes.appendDecimal(self.minute, width: 2)
        bytes.append(UInt8(ascii: ":"))
        bytes.appendDecimal(self.second, width: 2)
    }

    /// Appends the offset from UTC as `+HH:MM` or `-HH:MM`.
    func appendOffset(to bytes: inout [UInt8]) {
        let minutes = abs(self.offset) / 60
        bytes.append(self.offset < 0 ? UInt8(ascii: "-") : UInt8(ascii: "+"))
        bytes.appendDecimal(minutes / 60, width: 2)
        bytes.append(UInt8(ascii: ":"))
        bytes.appendDecimal(minutes % 60, width: 2)
    }
}
