"""What a person at the terminal sees: progress, the merged lines of all processes, and where everything is."""

import sys
import threading
from collections.abc import Iterable

from rich.console import Console

from infra.local.repeats import Repeats

COLOURS = ("cyan", "green", "magenta", "yellow", "blue", "bright_cyan", "bright_green", "bright_magenta")
NAME_WIDTH = 14


class Terminal:
    """Writes whole lines, whichever thread they come from; in colour where the output is a terminal."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._console = Console(file=sys.stdout, highlight=False, soft_wrap=True)
        self._colours: dict[str, str] = {}
        self._one_at_a_time = threading.Lock()
        self._quiet = quiet
        self._repeats: dict[str, Repeats] = {}

    def say(self, line: str) -> None:
        """A line of the stack's own."""
        with self._one_at_a_time:
            self._console.print(line, markup=False, style="bold")

    def fail(self, sentence: str) -> None:
        """What went wrong and what to do about it."""
        with self._one_at_a_time:
            self._console.print(sentence, markup=False, style="bold red")

    def tell(self, name: str, line: str) -> None:
        """A line that the process `name` wrote."""
        if self._quiet:
            return
        with self._one_at_a_time:
            told = self._repeats.setdefault(name, Repeats()).worth_telling(line)
            if told is None:
                return
            colour = self._colours.setdefault(name, COLOURS[len(self._colours) % len(COLOURS)])
            self._console.print(f"{name:<{NAME_WIDTH}}│ ", markup=False, style=colour, end="")
            self._console.print(told, markup=False)

    def fetched(self, done: int, total: int) -> None:
        """Progress of the broker's jars: one line that fills up, or, without a terminal, three lines."""
        with self._one_at_a_time:
            if self._console.is_terminal:
                self._console.print(f"\rfetching Kafka: {done} of {total} jars", end="\n" if done == total else "")
            elif done in (1, total // 2, total):
                self._console.print(f"fetching Kafka: {done} of {total} jars")

    def places(self, title: str, rows: Iterable[tuple[str, str, str]]) -> None:
        """Where everything is: what, where, and under it a note."""
        told = list(rows)
        width = max(len(what) for what, _, _ in told) + 2
        with self._one_at_a_time:
            self._console.print(f"\n{title}", markup=False, style="bold")
            for what, where, note in told:
                self._console.print(f"  {what:<{width}}{where}", markup=False)
                if note:
                    self._console.print(f"  {'':<{width}}{note}", markup=False, style="dim")
            self._console.print()
