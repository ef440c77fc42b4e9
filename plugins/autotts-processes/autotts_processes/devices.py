"""Which GPUs each worker sees."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence

from autotts_core.errors import OptionError

VISIBLE = "CUDA_VISIBLE_DEVICES"


def groups_of(devices: str) -> list[list[str]]:
    """The devices of each worker: "0,1" is two of one each, "0+1,2+3" two of two each.

    Raises `ValueError` where a name is missing, or is there twice.
    """
    groups = [[name.strip() for name in group.split("+")] for group in devices.split(",")]
    names = [name for group in groups for name in group]
    if not all(names):
        raise ValueError("a device has no name: write '0,1', or '0+1,2+3' for pairs")
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"device {name} is named twice: each belongs to one worker")
    return groups


def visible_devices() -> Sequence[str]:
    """Every NVIDIA GPU that this process may use; `OptionError` where there is none."""
    listed = os.environ.get(VISIBLE)
    if listed is not None:
        names = [name.strip() for name in listed.split(",") if name.strip() not in ("", "-1")]
        found = f"{VISIBLE} is {listed!r}"
    else:
        names, found = _listed_by_driver()
    if names:
        return names
    raise OptionError(
        f"executor 'processes': no GPU can be seen here ({found}). Where an engine needs none, "
        "say how many processes: the option 'processes'."
    )


def environment_of(devices: Sequence[str]) -> dict[str, str]:
    """The environment in which a worker sees `devices` only."""
    # Without it, CUDA numbers GPUs by their speed, and nvidia-smi by their place.
    order = {} if VISIBLE in os.environ else {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
    return order | dict(os.environ) | {VISIBLE: ",".join(devices)}


def _listed_by_driver() -> tuple[list[str], str]:
    try:
        done = subprocess.run(
            ["nvidia-smi", "-L"], capture_output=True, text=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return [], f"nvidia-smi: {error}"
    said = (done.stdout + done.stderr).strip()
    return re.findall(r"^GPU (\d+):", done.stdout, re.MULTILINE), f"nvidia-smi: {said}"
