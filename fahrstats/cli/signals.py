"""How Ctrl-C and SIGTERM end a command."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager


class StoppedError(BaseException):
    """A signal that ends the program, once children and partial files are gone."""

    def __init__(self, number: int) -> None:
        self.signal = number
        is_interrupt = number == signal.SIGINT
        self.message = "Interrupted." if is_interrupt else "Terminated."
        super().__init__(self.message)


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Turn Ctrl-C and SIGTERM into an exception, unless they are to be ignored."""

    def stop(number: int, frame: object) -> None:
        raise StoppedError(number)

    before = {
        number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)
    }
    for number, handler in before.items():
        if handler in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
