"""Remove the demo: its database, its mail, its log. What was downloaded stays in the cache folder."""

import shutil

from . import demo, postgres
from .console import say


def main(arguments: list[str]) -> int:
    for folder in (demo.folder(), postgres.cluster_folder("demo")):
        if folder.exists():
            shutil.rmtree(folder)
            say(f"Removed {folder}")
    return 0
