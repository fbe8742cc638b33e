/// Holds a value that is asked and told line by line: `#expect` takes no mutating call on a value
/// itself.
@dynamicMemberLookup
public final class Transcript<Value> {
    /// The value under test.
    public var value: Value

    /// Begins with `value`.
    public init(_ value: Value) { self.value = value }

    /// Reads a property of the value.
    public subscript<Property>(dynamicMember path: KeyPath<Value, Property>) -> Property {
        self.value[keyPath: path]
    }
}
