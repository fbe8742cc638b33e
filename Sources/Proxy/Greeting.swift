import Pooling
import Wire

/// What the servers of a pool say of themselves after a login, ready to be said to clients.
///
/// Written once a server login and not once a client login: what no client changes is copied as
/// bytes.
struct Greeting {
    /// A parameter as its message, and its place among the followed ones.
    private struct Item {
        var name: String
        var place: Int?
        var message: [UInt8]
    }

    private var items: [Item] = []

    /// The values of the followed parameters, as the server has them; nil where it reports none.
    private(set) var values: [String?]

    /// Takes what a server has reported, in its order.
    init(_ reported: [StartupParameters.Parameter], following parameters: TrackedParameters) {
        self.values = [String?](repeating: nil, count: parameters.names.count)
        for parameter in reported {
            var writer = MessageWriter()
            writer.parameterStatus(parameter.name, parameter.value)
            let place = parameters.place(of: parameter.name)
            if let place { self.values[place] = parameter.value }
            self.items.append(Item(name: parameter.name, place: place, message: writer.bytes))
        }
    }

    /// What was written last, and for which wishes: a pool's clients mostly have the same.
    private var last: (wanted: [String?], messages: [UInt8], values: [String?])?

    /// Writes the ParameterStatus messages for a client that wants some values to be others, and
    /// returns all values that it has then.
    mutating func write(to writer: inout MessageWriter, wanted: [String?]) -> [String?] {
        if let last = self.last, last.wanted == wanted {
            writer.message(last.messages)
            return last.values
        }
        var messages = MessageWriter()
        var values = self.values
        for item in self.items {
            if let place = item.place, let value = wanted[place] {
                messages.parameterStatus(item.name, value)
            } else {
                messages.message(item.message)
            }
        }
        for place in wanted.indices {
            if let value = wanted[place] { values[place] = value }
        }
        writer.message(messages.bytes)
        self.last = (wanted, messages.bytes, values)
        return values
    }
}
