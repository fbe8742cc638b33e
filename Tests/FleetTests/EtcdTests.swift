import Testing

@testable import Fleet

/// The engine that keeps gate and board in etcd, with real etcds.
@Suite(
    .serialized,
    .enabled(if: EtcdServer.isInstalled, "/usr/bin/etcd is missing (Debian: etcd-server)"),
    OnOwnThread()
)
struct EtcdTests {}
