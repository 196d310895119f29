"""Several processes that take part in one search."""

import contextlib
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from types import TracebackType
from typing import IO, Any

from glasswork.errors import GlassworkError

POLLING_SECONDS = 0.2
PATIENT_SECONDS = 20.0
WORK = "from glasswork.studies.tuning_workers import work; work()"


class Workers:
    """Processes that carry out trials of one study; a context manager that leaves none behind.

    Args:
        plan: fields of a `tune.Plan`, with a study and numerics.
        count: how many processes.
    """

    def __init__(self, plan: Mapping[str, Any], count: int) -> None:
        self._plan = json.dumps(plan)
        self._count = count
        self._running: list[tuple[subprocess.Popen[str], IO[str]]] = []
        self._told = False

    def __enter__(self) -> "Workers":
        for _ in range(self._count):
            said = tempfile.TemporaryFile("w+", encoding="utf-8")
            process = subprocess.Popen(
                [sys.executable, "-c", WORK],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=said,
                text=True,
                start_new_session=True,  # Ctrl-C is for the first process, which tells the others
            )
            self._running.append((process, said))
            assert process.stdin is not None
            with contextlib.suppress(BrokenPipeError), process.stdin:
                process.stdin.write(self._plan)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tell()
        until = time.monotonic() + PATIENT_SECONDS
        for process, said in self._running:
            try:
                process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            said.close()

    def wait(self, stop: bool) -> bool:
        """Waits a moment; whether any process still works.

        Args:
            stop: tells them to end after the step under way.

        Raises:
            GlassworkError: where one of them has failed, with what it said.
        """
        time.sleep(POLLING_SECONDS)
        if stop:
            self._tell()
        codes = [process.poll() for process, _ in self._running]
        for (_, said), code in zip(self._running, codes, strict=True):
            if code and not self._told:
                said.seek(0)
                lines = said.read().strip().splitlines()
                raise GlassworkError(f"A worker of the search has failed: {lines[-1] if lines else f'code {code}'}")
        return any(code is None for code in codes)

    def _tell(self) -> None:
        if not self._told:
            self._told = True
            for process, _ in self._running:
                if process.poll() is None:
                    process.send_signal(signal.SIGINT)


def work() -> None:
    """What such a process does: the plan comes as JSON on standard input."""
    from glasswork.studies.tune import Plan, prepare

    try:
        plan = Plan(**json.loads(sys.stdin.read()))
        for _ in prepare(plan).search():
            pass
    except GlassworkError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
