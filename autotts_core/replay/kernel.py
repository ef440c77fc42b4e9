"""The loop over episodes, compiled once for each controller and cached on disk by content.

Numba's own cache keys a function by its file and the file's age, and does not notice when a
function that it calls has changed. So each controller gets a directory named by a hash of
everything that is compiled: the policy with all functions it reaches, this package's replay
sources, and the versions of Numba and Python. In it lies the kernel's source, and Numba's
cache beside it.
"""

import hashlib
import inspect
import platform
import shutil
import tempfile
from collections import namedtuple
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FunctionType
from typing import Any

import numba
import numpy as np
from numba import njit
from numba.cpython.listobj import ListInstance

from autotts_core import voting
from autotts_core.cache import cache_directory
from autotts_core.replay import compiled_episode, compiled_object, ledger, policy_source
from autotts_core.replay.compiled_object import give_environments
from autotts_core.replay.policy_source import TaggedPolicy, all_reached, names_in
from autotts_core.store import tables

_KEPT_KERNELS = 500

_LOOP = Path(__file__).with_name("episode_loop.py").read_text()

Kernel = Callable[..., int]


def build_kernel(policy: TaggedPolicy, parameters: tuple[str, ...]) -> Kernel:
    """The compiled-on-first-call kernel of a policy whose schedule has these parameters.

    The kernel (its arguments: `episode_loop`) replays all seeds of questions first to last - 1
    into `outcomes` (questions, seeds, OUTCOME_FIELDS) and, where it is `recording`, into the rows
    and ends of `replay.ledger`. It returns -1, or question * seeds + seed of the first episode
    whose policy raised or answered with an id never revealed. It releases the GIL.
    """
    function = policy.function
    assert isinstance(function, FunctionType)
    compiled_episode.make_jitable(function)
    directory = _kernel_directory(_content_hash(function, parameters))
    path = directory / "kernel.py" if directory else Path("<replay kernel>")
    namespace: dict[str, Any] = {"__name__": __name__}
    exec(compile(_LOOP, str(path), "exec"), namespace)
    namespace["policy"] = function
    namespace["Params"] = namedtuple("Params", parameters)
    jit: Any = njit
    kernel: Kernel = jit(cache=directory is not None, nogil=True, no_cfunc_wrapper=True)(
        namespace["replay"]
    )
    return kernel


def _content_hash(policy: FunctionType, parameters: tuple[str, ...]) -> str:
    digest = hashlib.sha256()
    versions = (platform.python_version(), numba.__version__, np.__version__)
    replayed = (compiled_episode, compiled_object, ledger, policy_source, tables, voting)
    replay_sources = [inspect.getsource(module) for module in replayed]
    this_source = Path(__file__).read_text()
    for part in (*versions, *replay_sources, this_source, _LOOP, repr(parameters)):
        digest.update(part.encode() + b"\0")
    for function in (policy, *all_reached(policy)):
        # Machine code in a cache names the modules of its functions, which have to be there.
        digest.update(f"{function.__module__} {inspect.getsource(function)}".encode())
        digest.update(repr(_frozen_values(function)).encode())
    return digest.hexdigest()


def _frozen_values(function: FunctionType) -> list[tuple[str, str]]:
    """The globals and argument defaults that compiling freezes into the machine code."""
    named = {name: function.__globals__.get(name) for name in names_in(function.__code__)}
    named["its defaults"] = function.__defaults__
    return [
        (name, value.tobytes().hex() if isinstance(value, np.ndarray) else repr(value))
        for name, value in sorted(named.items())
        if isinstance(value, bool | int | float | str | tuple | np.generic | np.ndarray)
    ]


def _kernel_directory(content_hash: str) -> Path | None:
    """The kernel's own directory with its source in it; None where nothing can be written."""
    kernels = cache_directory() / "kernels"
    directory = kernels / content_hash
    source = directory / "kernel.py"
    try:
        if not source.exists():
            _forget_old_kernels(kernels)
            directory.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=directory, delete=False) as draft:
                draft.write(_LOOP)
            Path(draft.name).replace(source)
    except OSError:
        return None
    return directory


def _forget_old_kernels(kernels: Path) -> None:
    held = sorted(kernels.glob("*"), key=lambda path: path.stat().st_mtime, reverse=True)
    for directory in held[_KEPT_KERNELS - 1 :]:
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def _lists_born_with_room() -> Iterator[None]:
    """While compiling, let every list start with room for an element.

    Numba gives an empty list 24 bytes and reallocates them at the first append. On glibc that
    makes threads contend for cache lines: two were slower than one, at Parallel-Probe by 30 %.
    """
    lists: Any = ListInstance
    allocate = vars(lists)["allocate_ex"]

    def allocate_with_room(cls: Any, context: Any, builder: Any, kind: Any, items: Any) -> Any:
        if isinstance(items, int):
            items = max(items, 1)
        else:
            one = items.type(1)
            items = builder.select(builder.icmp_signed("<", items, one), one, items)
        return allocate.__get__(None, cls)(context, builder, kind, items)

    lists.allocate_ex = classmethod(allocate_with_room)
    try:
        yield
    finally:
        lists.allocate_ex = allocate


def compile_kernel(kernel: Any, parameters: tuple[type, ...]) -> None:
    """Compile `kernel` (or load it from the cache) for parameters of these Python types."""
    t = numba.types
    typeof: Any = numba.typeof

    def array(dtype: Any) -> Any:
        return t.Array(dtype, 1, "C")

    signature = (
        array(t.int32),
        array(t.float32),
        array(t.float32),
        array(t.int64),
        array(t.int32),
        array(t.int64),
        t.int64,
        t.int64,
        t.boolean,
        t.boolean,
        t.boolean,
        array(t.int32),
        array(t.int64),
        t.int64,
        t.int64,
        t.int64,
        typeof(tuple(kind() for kind in parameters)),
        t.int64,
        t.int64,
        array(t.int32),
        array(t.int32),
        array(t.int32),
        array(t.int32),
        array(t.int64),
        array(t.float64),
        array(t.int64),
        array(t.int64),
        t.boolean,
        array(t.int16),
        array(t.int64),
    )
    with _lists_born_with_room():
        kernel.compile(signature)
    kernel.disable_compile()
    give_environments(kernel.overloads[signature])
