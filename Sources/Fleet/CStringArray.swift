internal import Glibc

/// Texts as C has them: zero-terminated, in an array that ends with NULL; freed with the value.
@safe
final class CStringArray {
    /// Their start.
    let pointers: UnsafeMutablePointer<UnsafePointer<CChar>?>
    private let count: Int

    init(_ texts: [String]) {
        self.count = texts.count
        unsafe self.pointers = .allocate(capacity: texts.count + 1)
        unsafe self.pointers.initialize(repeating: nil, count: texts.count + 1)
        for (place, text) in texts.enumerated() {
            unsafe self.pointers[place] = UnsafePointer(strdup(text))
        }
    }

    deinit {
        for place in 0..<self.count {
            unsafe free(UnsafeMutablePointer(mutating: self.pointers[place]))
        }
        unsafe self.pointers.deallocate()
    }
}
