"""Run one command: ``python -m ground setup|lint|test|demo|bench|clean|screenshot|translations``."""

import importlib
import signal
import sys

from .console import Trouble, complain

COMMANDS = ("setup", "lint", "test", "demo", "bench", "clean", "screenshot", "translations")


def main(arguments: list[str]) -> int:
    if not arguments or arguments[0] not in COMMANDS:
        complain(f"Say one of: {', '.join(COMMANDS)}.")
        return 2
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    command = importlib.import_module(f"ground.{arguments[0]}")
    try:
        return command.main(arguments[1:])
    except Trouble as trouble:
        complain(str(trouble))
        return 1
    except KeyboardInterrupt:
        return 130


def interrupt(number: int, frame: object) -> None:
    """End as with Ctrl-C, so that what was started is stopped."""
    raise KeyboardInterrupt


sys.exit(main(sys.argv[1:]))
