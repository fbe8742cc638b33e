"""What may go on around a client of a pool: other clients, who take its servers and use its names."""

from pgwire import bind, close_statement, execute, flush, parse, sync

#: The names that stories give to their statements: the others use them too, for texts of their own.
NAMES = ("", "s", "t", "u", "S")


class Holder:
    """A client that takes a server, leaves its own statements there, and keeps it until told."""

    def __init__(self, pooler, number, in_block):
        self.wire, self.number, self.in_block = pooler.wire(), number, in_block

    def take(self):
        if self.in_block:
            assert self.wire.query("BEGIN").error is None
        for name in NAMES:
            self.check(name)
        if not self.in_block:
            # A batch without its end holds a server in every mode.
            self.wire.send(parse("SELECT 'held'") + bind() + execute() + flush())
            while self.wire.receive()[0] != "C":
                pass

    def check(self, name):
        """Prepares this client's own text under the name, and sees that its own text is what runs."""
        own = f"holder {self.number} of {name}"
        close = close_statement(name) if name else b""
        self.wire.send(close + parse(f"SELECT '{own}'", name) + bind([], name) + execute() + sync())
        result = self.wire.result()
        assert result.error is None, result.error
        assert result.rows == [[own]], f"{result.rows} in place of {own}"

    def give_back(self):
        if self.in_block:
            assert self.wire.query("ROLLBACK").error is None
        else:
            self.wire.send(sync())
            self.wire.result()


class Crowd:
    """Others hold all servers of a pool but one, which is another one at each call of `disturb`.

    So each transaction of a story runs on a server where its last one did not run, and on which somebody
    else has just used the story's names.
    """

    def __init__(self, pooler, servers, in_block):
        self.holders = [Holder(pooler, number, in_block) for number in range(servers)]
        self.holding = []
        for holder in self.holders[:-1]:
            holder.take()
            self.holding.append(holder)
        self.free = self.holders[-1]

    def disturb(self):
        """Takes the server that is free and frees the one that was held longest."""
        self.free.take()
        self.holding.append(self.free)
        self.free = self.holding.pop(0)
        self.free.give_back()

    def close(self):
        for holder in self.holders:
            holder.wire.close()


class Stranger:
    """Another client uses the one server that there is, and the story's names, before each transaction."""

    def __init__(self, pooler, in_block):
        self.holder = Holder(pooler, 0, in_block)

    def disturb(self):
        self.holder.take()
        self.holder.give_back()

    def close(self):
        self.holder.wire.close()
