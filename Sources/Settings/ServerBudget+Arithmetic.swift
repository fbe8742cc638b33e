/// The arithmetic of a budget, for people.
extension ServerBudget {
    /// What a server takes, what of that is Weir's, and what is left: a line for the log.
    public func arithmetic(_ capacity: ServerCapacity) -> String {
        let slots = self.slots(of: capacity) ?? 0
        let privileged =
            capacity.reserved == 0 ? "" : ", for pg_use_reserved_connections \(capacity.reserved)"
        var origin: [String] = self.size.isRelative ? [self.size.description] : []
        if self.reserve > 0 { origin.append("less a reserve of \(self.reserve)") }
        let note = origin.isEmpty ? "" : " (\(origin.joined(separator: " ")))"
        return "server \(self.name): max_connections \(capacity.maxConnections), "
            + "reserved for superusers \(capacity.superuserReserved)\(privileged), "
            + "leaves \(capacity.available); budget \(slots)\(note), "
            + "for others \(max(0, capacity.available - slots))"
    }

    /// What does not fit, a sentence each.
    ///
    /// - Parameter minimum: the connections that Weir keeps open there.
    public func warnings(_ capacity: ServerCapacity, minimum: Int) -> [String] {
        guard let slots = self.slots(of: capacity), slots > 0 else { return [] }
        var warnings: [String] = []
        if slots > capacity.available {
            warnings.append(
                "server \(self.name): the budget of \(slots) is more than the "
                    + "\(capacity.available) connections that max_connections = "
                    + "\(capacity.maxConnections) leaves: logins will be refused before it is used "
                    + "up"
            )
        }
        if minimum > slots {
            warnings.append(
                "server \(self.name): min_pool_size of its databases adds up to \(minimum), and "
                    + "the budget is \(slots), which will be the limit"
            )
        }
        return warnings
    }
}
