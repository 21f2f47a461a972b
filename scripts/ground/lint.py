"""Everything that reads the code without running it. ``lint --fix`` also puts right what a tool can."""

import ast
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from . import places, readme, setup, virtualenv
from .console import complain, run, say, step, succeeds
from .setup import Ground

LONGEST_FUNCTION = 60
NOT_ASKED_FOR = (
    "consider-merging-classes-inherited",  # crm.email has one file for each of its concerns
    "missing-return",  # Odoo's own _to_store and its like return nothing
    "prefer-env-translation",  # sees no env._ that goes by the name of _
)
PINNED = re.compile(r"(#.*)?|[\w.-]+==[\w.]+(; python_version [<>]=? \"3\.\d+\")?")
NODE_BYTES = 150_000_000
PYTHON_FOLDERS = ("mail_crm_link", "tests", "bench", "scripts")
TEXTS = ["*.cjs", "package.json", "mail_crm_link/**/*.{js,xml,scss,css}"]


def main(arguments: list[str]) -> int:
    return check(setup.prepare(), fix="--fix" in arguments)


def check(ground: Ground, fix: bool = False) -> int:
    """Run every check, also after one failed; the number of those that found something."""
    failed = [name for name, found in results(ground, fix) if found]
    if failed:
        complain(f"Lint: {', '.join(failed)} found something.")
    return len(failed)


def results(ground: Ground, fix: bool) -> Iterator[tuple[str, bool]]:
    """The name of each check, and whether it found something."""
    tool = ground.environment.tool
    commands = {
        "ruff format": [tool("ruff"), "format", "--quiet", *([] if fix else ["--check"])],
        "ruff": [tool("ruff"), "check", "--quiet", *(["--fix"] if fix else [])],
        "pylint-odoo": [tool("pylint"), f"--disable={','.join(NOT_ASKED_FOR)}", places.MODULE],
        "mypy": [tool("mypy"), "--no-error-summary"],
        "bandit": [tool("bandit"), "--quiet", "--configfile", "pyproject.toml", "--recursive", places.MODULE],
        "import-linter": [tool("lint-imports"), "--no-cache", "--no-logo"],
    }
    for name, command in commands.items():
        yield name, finds(name, command, {"PYTHONPATH": str(places.ROOT)})
    yield "length of functions", bool(long_functions())
    yield "pinned requirements", bool(unpinned_requirements())
    yield "README of the addon", readme.is_outdated(fix)
    yield from node_results(fix)


def finds(name: str, command: Sequence[str | Path], env: Mapping[str, str]) -> bool:
    say(f"▸ {name}")
    return not succeeds(command, cwd=places.ROOT, env=env)


def long_functions() -> list[str]:
    """Report functions that nobody can take in at one glance."""
    found = [text for path in python_files() for text in long_functions_of(path)]
    say(f"▸ functions of at most {LONGEST_FUNCTION} lines")
    for text in found:
        say(text)
    return found


def long_functions_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = node.end_lineno - node.lineno + 1
            if lines > LONGEST_FUNCTION:
                yield f"{path.relative_to(places.ROOT)}:{node.lineno}: {node.name} has {lines} lines"


def unpinned_requirements() -> list[str]:
    """Report packages whose version may be another one tomorrow."""
    say("▸ requirements with their versions")
    found = [
        f"{path.relative_to(places.ROOT)}: {line}"
        for path in (virtualenv.REQUIREMENTS, virtualenv.CONSTRAINTS)
        for line in path.read_text().splitlines()
        if not PINNED.fullmatch(line)
    ]
    for text in found:
        say(text)
    return found


def python_files() -> Iterator[Path]:
    for folder in PYTHON_FOLDERS:
        yield from sorted((places.ROOT / folder).rglob("*.py"))


def node_results(fix: bool) -> Iterator[tuple[str, bool]]:
    """prettier and eslint, where Node.js is installed."""
    if not shutil.which("npm"):
        say("▸ prettier and eslint left out: Node.js (18.18 or newer) is not installed")
        return
    modules = node_modules()
    commands = {
        "prettier": [
            "prettier",
            "--log-level=warn",
            "--write" if fix else "--check",
            "--no-error-on-unmatched-pattern",
            *TEXTS,
        ],
        "eslint": ["eslint", *(["--fix"] if fix else []), "*.cjs", f"{places.MODULE}/static"],
    }
    for name, (program, *arguments) in commands.items():
        command = [modules / ".bin" / program, *arguments]
        yield name, finds(name, command, {"NODE_PATH": str(modules)})


def node_modules() -> Path:
    """The packages of package-lock.json, installed in the cache."""
    manifests = [places.ROOT / name for name in ("package.json", "package-lock.json", ".npmrc")]

    def install(folder: Path) -> None:
        with step("prettier, eslint and the Gmail emulator"):
            for manifest in manifests:
                shutil.copy(manifest, folder)
            run(["npm", "ci", "--no-audit", "--no-fund"], "npm could not install them. Is there a network?", cwd=folder)

    inputs = places.digest(*(manifest.read_bytes() for manifest in manifests))
    return places.built(places.cache() / f"node-{inputs}", install, NODE_BYTES) / "node_modules"
