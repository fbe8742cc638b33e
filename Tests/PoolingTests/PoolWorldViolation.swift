import Pooling

/// What must never happen around a `PoolSet`, each by its name.
enum PoolWorldViolation: Error, Equatable {
    case serverInAnotherPlace(ServerID, String)
    case serverGivenTwice(ServerID)
    case serverOfAnotherPool(ServerID)
    case closingServerGiven(ServerID)
    case servedOutOfOrder(ClientID)
    case servedWhilePaused(ClientID)
    case waiterLost(pool: Int, String)
    case waiterCountWrong(pool: Int, String)
    case slotsMiscounted(String)
    case capExceeded(String)
    case slotFreedBeforeClosed(ServerID)
    case openedWithoutDemand(pool: Int)
    case openedWhilePaused(pool: Int)
    case openedTooEarly(pool: Int)
    case evictedWhatIsUsed(ServerID)
    case evictedInVain(ServerID)
    case idleWhileSomebodyWaits(pool: Int)
    case starvedByIdle(pool: Int)
    case obsoleteServerGiven(ServerID)
    case expiredTooEarly(ClientID)
    case notExpired(ClientID)
    case settlesNever
    case ownerMiscounted(pool: Int, String)
    case noRoomForOwner(pool: Int)
}
