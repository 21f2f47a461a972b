from collections.abc import Iterator

# First of all, as what is tested is imported from there.
import plain_addon  # noqa: F401
import pytest
from servers.dovecot import Dovecot


@pytest.fixture(scope="session")
def dovecot() -> Iterator[Dovecot]:
    """One Dovecot for all tests; each takes a user of its own."""
    with Dovecot() as running:
        yield running
