"""The lines under every table: which machine, which versions, which day."""

import datetime
import os
import platform
import subprocess
from collections.abc import Sequence
from pathlib import Path


def describe_machine() -> str:
    """Processor, cores, memory, Python's platform and today's date in one line."""
    information = Path("/proc/cpuinfo").read_text().splitlines()
    fields = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in information)}
    processor = fields.get("model name", platform.processor())
    if {"cpu family", "model"} <= fields.keys():
        processor += f" (family {fields['cpu family']}, model {fields['model']})"
    instructions = [name for name in ("avx2", "avx512f", "amx_bf16") if name in fields.get("flags", "").split()]
    cores = len(os.sched_getaffinity(0))
    gibibytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    today = datetime.date.today().isoformat()
    return f"Machine: {processor}, {' '.join(instructions)}, {cores} cores, {gibibytes:.0f} GiB; {today}."


def describe_versions(python: str, packages: Sequence[str]) -> str:
    """The versions of Python and of those packages that this interpreter has."""
    program = (
        "import platform, sys\n"
        "from importlib.metadata import PackageNotFoundError, version\n"
        "found = ['Python ' + platform.python_version()]\n"
        "for name in sys.argv[1:]:\n"
        "    try: found.append(name + ' ' + version(name))\n"
        "    except PackageNotFoundError: pass\n"
        "print(', '.join(found) + '.')"
    )
    done = subprocess.run([python, "-c", program, *packages], capture_output=True, text=True, check=True)
    return done.stdout.strip()
