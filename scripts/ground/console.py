"""What people see while the machine works, and how its programs are called."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

LOG_TAIL = 15
"""Lines of a failed program's output that are worth showing."""


class Trouble(Exception):
    """Something only a person can put right; the text says what and how."""


def say(text: str = "") -> None:
    print(text, flush=True)


def complain(text: str) -> None:
    print(f"\n{text}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def step(title: str) -> Iterator[None]:
    """Announce something that takes a while, and say how long it took."""
    say(f"▸ {title}")
    begun = time.monotonic()
    yield
    say(f"  done in {time.monotonic() - begun:.0f} s")


def run(
    command: Sequence[str | Path],
    trouble: str,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> str:
    """Run a program quietly and give back what it printed.

    :param trouble: what to tell people when it fails; the end of its output is added
    :param env: variables added to the present ones
    :raises Trouble: it failed or is not there
    """
    try:
        done = quietly(command, cwd, env)
    except OSError as error:
        raise Trouble(f"{trouble}\n  {error}") from error
    if done.returncode:
        raise Trouble("\n".join([trouble, *(f"  {line}" for line in done.stdout.splitlines()[-LOG_TAIL:])]))
    return done.stdout


def succeeds(command: Sequence[str | Path], cwd: Path | None = None, env: Mapping[str, str] | None = None) -> bool:
    """Run a program whose output matters only when it fails, and is then shown."""
    done = quietly(command, cwd, env)
    if done.returncode:
        say(done.stdout.strip())
    return done.returncode == 0


def quietly(
    command: Sequence[str | Path], cwd: Path | None, env: Mapping[str, str] | None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command],
        check=False,
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
