"""Peers whose packages clash with ours, each in a venv of its own (`make bench-peers`), driven through a pipe.

A script of `bench/peers` reads how much work to do from a line and answers with a line when it is done, so that both
sides are timed by one clock; a line through a pipe takes some 50 µs.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Self

ROOT = Path(__file__).resolve().parents[1]
VENVS = ROOT / "build" / "peers"


class Peer:
    """A script that runs in the venv of a peer."""

    def __init__(self, venv: str, script: str, *arguments: str) -> None:
        command = [str(VENVS / venv / "bin" / "python"), "-I", str(ROOT / "bench" / "peers" / script), *arguments]
        # Output of libraries at their import would be taken for an answer.
        self._child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def work(self, amount: int) -> None:
        """Let it do ``amount`` of work and wait for it."""
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.write(f"{amount}\n")
        self._child.stdin.flush()
        while (answer := self._child.stdout.readline()) != "taken\n":
            if not answer:
                raise RuntimeError(f"{self._child.args}: got an end with {self._child.wait()}; wanted an answer")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._child.stdin is not None
        self._child.stdin.close()
        self._child.wait()


def absent(venv: str) -> str | None:
    """Why a peer cannot be measured, or None where it can."""
    return None if (VENVS / venv / "ready").exists() else f"no build/peers/{venv}: make bench-peers makes it"
