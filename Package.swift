// swift-tools-version: 6.2
import PackageDescription

/// The layers of `docs/architecture.md`, one target each; imports point down only.
let package = Package(
    name: "weir",
    products: [
        .executable(name: "weir", targets: ["weir"])
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    ],
    targets: [
        // C: system libraries and the shims that Swift cannot import by itself.
        .target(name: "CLinux", linkerSettings: [.linkedLibrary("uring")]),
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CPQ", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),

        // What threads share.
        .target(name: "Locking"),

        // Values that decide.
        .target(name: "Wire"),
        .target(name: "Settings"),
        .target(name: "Auth", dependencies: ["Wire", "COpenSSL"]),
        .target(name: "Pooling", dependencies: ["Wire"]),
        .target(
            name: "Telemetry",
            dependencies: ["Locking", .product(name: "Logging", package: "swift-log")]
        ),

        // The shell that does.
        .target(name: "Reactor", dependencies: ["CLinux", "Locking"]),
        .target(
            name: "Proxy",
            dependencies: [
                "Auth", "CLinux", "Locking", "Pooling", "Reactor", "Settings", "Telemetry", "Wire",
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        .target(
            name: "Fleet",
            dependencies: [
                "CLinux", "CPQ", "Locking", "Pooling",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ]
        ),
        .target(name: "Console", dependencies: ["Pooling", "Telemetry", "Wire"]),
        .executableTarget(
            name: "weir",
            dependencies: [
                "Auth", "Console", "Fleet", "Locking", "Pooling", "Proxy", "Reactor", "Settings",
                "Telemetry", .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ]
        ),

        // Tests: one folder a target.
        .target(name: "TestSupport", dependencies: ["Pooling", "Wire"], path: "Tests/Support"),
        .testTarget(name: "LockingTests", dependencies: ["Locking"]),
        .testTarget(name: "WireTests", dependencies: ["TestSupport", "Wire"]),
        .testTarget(name: "SettingsTests", dependencies: ["Settings"]),
        .testTarget(name: "AuthTests", dependencies: ["Auth", "Wire"]),
        .testTarget(name: "PoolingTests", dependencies: ["Pooling", "TestSupport", "Wire"]),
        .testTarget(name: "TelemetryTests", dependencies: ["Locking", "Telemetry"]),
        .testTarget(name: "ReactorTests", dependencies: ["Locking", "Reactor"]),
        .testTarget(
            name: "FleetTests",
            dependencies: [
                "Fleet", "Locking", "Pooling", .product(name: "Logging", package: "swift-log"),
            ]
        ),
        .testTarget(
            name: "ConsoleTests",
            dependencies: ["Console", "Pooling", "Telemetry", "Wire"]
        ),
        .testTarget(
            name: "CommandLineTests",
            dependencies: [
                "Auth", "Proxy", "Settings", "Telemetry", "weir",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]
        ),
        .testTarget(name: "SimulationTests", dependencies: ["Pooling", "TestSupport", "Wire"]),

        // What scripts/thresholds measures: allocations and instructions.
        .target(name: "CPerformance", path: "Tests/Performance/CPerformance"),
        .executableTarget(
            name: "weir-perf",
            dependencies: [
                "Auth", "Console", "CPerformance", "Locking", "Pooling", "Proxy", "Reactor",
                "Settings", "Telemetry", "TestSupport", "Wire",
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Tests/Performance/weir-perf"
        ),
    ]
)

/// The same rules for every Swift target.
let withoutSwift = ["CLinux", "CPerformance"]
for target in package.targets where target.type != .system && !withoutSwift.contains(target.name) {
    target.swiftSettings = [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
        .strictMemorySafety(),
        .treatAllWarnings(as: .error),
        // Checked in debug builds, where all tests run. In release these checks were a third of the
        // data path's instructions.
        .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release)),
    ]
}
