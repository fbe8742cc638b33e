import Foundation

/// An authority and what it has signed, made by `openssl` for one test.
enum TestCertificates {
    /// - Returns: a folder with `ca.pem`, `server.pem` (for 127.0.0.1), `client.pem` and the keys
    ///   to the latter two, `…-key.pem`. It is the test's to remove.
    static func make() throws -> String {
        let folder = NSTemporaryDirectory() + "weir-certificates-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        process.arguments = [
            "-ec",
            """
            exec 2>openssl.log
            curve="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
            openssl req -x509 $curve -keyout ca-key.pem -out ca.pem -days 2 -subj /CN=authority
            for name in server client; do
                openssl req $curve -keyout $name-key.pem -out $name.csr -subj /CN=$name
                printf 'subjectAltName=IP:127.0.0.1\\nextendedKeyUsage=serverAuth,clientAuth\\n' \
                    >$name.ext
                openssl x509 -req -in $name.csr -CA ca.pem -CAkey ca-key.pem -CAcreateserial \
                    -out $name.pem -days 2 -extfile $name.ext
            done
            """,
        ]
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw TestFailure("openssl has failed: see \(folder)/openssl.log")
        }
        return folder
    }
}
