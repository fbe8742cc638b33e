"""What became of the clients' requests."""

from collections import Counter


class Tally:
    """Counts what is as it should be, and keeps words for what is not."""

    def __init__(self):
        self.answered = 0
        #: ErrorResponses by SQLSTATE.
        self.errors = Counter()
        #: Connections that a killed or paused process ended.
        self.cut_off = 0
        #: Connections that could not be had because the process was dead.
        self.refused = 0
        #: Clients that went away from a paused process.
        self.left = 0
        #: Wrong answers, silent clients, and connections ended without a word by a living process.
        self.wrong, self.silent, self.unexplained = [], [], []

    def examples(self):
        """The first few of what should not be."""
        return [line for kind in (self.wrong, self.silent, self.unexplained) for line in kind[:5]]
