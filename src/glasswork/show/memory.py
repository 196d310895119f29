"""What a training needs of the memory, in a sentence."""

from collections.abc import Mapping
from typing import Any

from glasswork.training.memory import worded_bytes

WORTH_SAYING = 100 * 2**20


def memory_sentence(memory: Mapping[str, Any] | None) -> str:
    """Such as `needs about 3.1 GB of 24.0 GB: ...`; empty for less than 100 MB and less than a tenth of all there is.

    Args:
        memory: as in `environment.json`; None where a run has not noted it.
    """
    if memory is None or memory["total"] < min(WORTH_SAYING, memory["machine"] / 10 or WORTH_SAYING):
        return ""
    parts = {
        "data": memory["data"],
        "network and optimizer": memory["weights"] + memory["gradients"] + memory["moments"],
        f"a batch of {memory['examples']:,}": memory["activations"],
    }
    listed = ", ".join(f"{name} {worded_bytes(count)}" for name, count in parts.items())
    there = f" of {worded_bytes(memory['machine'])}" if memory["machine"] else ""
    return f"needs about {worded_bytes(memory['total'])}{there} beside the program itself: {listed}"
