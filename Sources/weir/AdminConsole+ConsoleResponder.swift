public import Console
public import Proxy

/// Where console and data port meet: neither knows the other.
extension AdminConsole: ConsoleResponder {}
