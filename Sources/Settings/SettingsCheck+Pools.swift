/// Sizes and limits of pools, and times that go together.
extension SettingsCheck {
    /// Compares sizes with each other: the global ones, then each database's and user's.
    mutating func checkPools() {
        self.checkGlobalSizes()
        self.checkUsers()
        for database in self.entries { self.checkSizes(of: database) }
    }

    private mutating func checkGlobalSizes() {
        let global = self.global
        let minimum = global.minPoolSize
        let place = self.origins.ofGlobal("min_pool_size", "default_pool_size")
        if global.defaultPoolSize != 0, minimum > global.defaultPoolSize {
            self.contradict(
                place,
                "min_pool_size = \(minimum) is above default_pool_size = \(global.defaultPoolSize)"
            )
        }
        let limits = [
            ("max_db_connections", global.maxDbConnections),
            ("max_user_connections", global.maxUserConnections),
            ("max_server_connections", global.maxServerConnections),
            ("server_budget", global.serverBudget.fixed ?? 0),
        ]
        for (name, limit) in limits where limit != 0 {
            if minimum > limit {
                self.contradict(
                    place,
                    "min_pool_size = \(minimum) is above \(name) = \(limit)"
                )
            } else if global.defaultPoolSize > limit {
                self.warn(
                    "default_pool_size = \(global.defaultPoolSize) is above \(name) = \(limit), "
                        + "which will be the limit"
                )
            }
        }
        if global.reservePoolSize > 0, global.reservePoolTimeout.isZero {
            self.warn(
                "reserve_pool_size = \(global.reservePoolSize) is never used: "
                    + "reserve_pool_timeout = 0 turns the reserve off"
            )
        }
        if global.reservePoolSize > 0, global.defaultPoolSize == 0 {
            self.warn(
                "reserve_pool_size = \(global.reservePoolSize) is never used: "
                    + "default_pool_size = 0 has no limit"
            )
        }
    }

    private mutating func checkUsers() {
        let minimum = self.global.minPoolSize
        for (name, user) in self.settings.users.sorted(by: { $0.key < $1.key }) {
            guard let limit = user.maxUserConnections, limit != 0, minimum > limit else { continue }
            self.warn(
                "user \(name): min_pool_size = \(minimum) is above max_user_connections = "
                    + "\(limit), which will be the limit"
            )
        }
    }

    /// Checks an entry of `[databases]`.
    ///
    /// Two values of one entry that contradict each other are an error; a value of its own against
    /// a global one is a warning, since files written for PgBouncer do that.
    private mutating func checkSizes(of database: DatabaseSettings) {
        let place = self.origins.ofDatabase(database.name)
        let minimum = database.minPoolSize ?? self.global.minPoolSize
        let size = database.poolSize ?? self.global.defaultPoolSize
        let limit = database.maxDbConnections ?? self.global.maxDbConnections
        if size != 0, minimum > size, database.minPoolSize != nil || database.poolSize != nil {
            let text =
                "database \(database.name): min_pool_size = \(minimum) is above the pool size, "
                + "which is \(size)"
            if database.minPoolSize != nil, database.poolSize != nil {
                self.contradict(place, text)
            } else {
                self.warn("\(text) and will be the limit")
            }
        }
        let hasOwn = database.minPoolSize != nil || database.maxDbConnections != nil
        if limit != 0, minimum > limit, hasOwn {
            let text =
                "database \(database.name): min_pool_size = \(minimum) is above "
                + "max_db_connections = \(limit)"
            if database.minPoolSize != nil, database.maxDbConnections != nil {
                self.contradict(place, text)
            } else {
                self.warn("\(text), which will be the limit")
            }
        }
        if database.password != nil, database.user == nil {
            self.warn(
                "database \(database.name) has password= but no user=: it is for the user that "
                    + "all clients would share"
            )
        }
        if (database.reservePoolSize ?? 0) > 0, self.global.reservePoolTimeout.isZero {
            self.warn(
                "database \(database.name): reserve_pool_size is never used: "
                    + "reserve_pool_timeout = 0 turns the reserve off"
            )
        }
    }

    /// Compares times with each other.
    mutating func checkTimes() {
        let wait = self.global.queryWaitTimeout
        let reserve = self.global.reservePoolTimeout
        if self.global.reservePoolSize > 0, !wait.isZero, !reserve.isZero, reserve >= wait {
            self.warn(
                "reserve_pool_timeout = \(reserve) is not below query_wait_timeout = \(wait): "
                    + "clients give up before the reserve is used"
            )
        }
        if wait.isZero {
            self.warn("query_wait_timeout = 0 lets clients wait for ever")
        }
    }
}
