"""Where compiled kernels are kept, and how they are compiled.

The folder's name holds a hash of all sources of this package and numba's version, because numba itself does not notice
that a function called from another file has changed. numba's own setting is put back after each function, so that the
kernels of other packages in the same process stay where they were.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import hashlib
import importlib
import importlib.metadata
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

CACHE_VARIABLE: Final = "EVENFIELD_KERNEL_CACHE"
"""Environment variable: the folder in which the kernel folders are made, instead of the user's cache."""

_OPTIONS: Final = {"nogil": True, "error_model": "numpy"}
_LOCK = threading.RLock()

Function = TypeVar("Function", bound=Callable[..., Any])


@functools.cache
def cache_folder() -> Path:
    """The folder of compiled kernels, made if it is missing; a private temporary one where nothing can be written."""
    wanted = _wanted_folder()
    try:
        wanted.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=wanted).close()
    except OSError:
        # Compiled code is loaded from here without a check, so a folder that others could have filled is no choice.
        private = Path(tempfile.mkdtemp(prefix="evenfield-kernels-"))
        atexit.register(shutil.rmtree, private, ignore_errors=True)
        return private
    return wanted


def cache_is_shared() -> bool:
    """Whether the cache folder is one that other processes use as well."""
    return cache_folder() == _wanted_folder()


def is_compiled(function: Callable[..., Any]) -> bool:
    """Whether a kernel function was compiled before, by this version."""
    name = f"{function.__module__.rpartition('.')[2]}.{function.__qualname__}-*.nbi"
    return any(_wanted_folder().rglob(name))


def kernels_are_compiled() -> bool:
    """Whether any kernel of this version was compiled before: if not, the first use takes some seconds."""
    return any(_wanted_folder().rglob("*.nbi"))


def load_numba() -> Any:
    """The numba module, imported here for the first time; untyped, because only some versions of it have types."""
    return importlib.import_module("numba")


def inner(function: Function) -> Function:
    """Decorate a function that other kernels call: compiled with its caller, for the caller's types.

    It has no entry from Python, which would double what its compiling costs: to call it there ends the process.
    """
    compiled: Function = load_numba().njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, _nrt=False, **_OPTIONS)(
        function
    )
    return compiled


def part(function: Function) -> Function:
    """Decorate a function that is called from one place: becomes a part of its caller before that is compiled."""
    compiled: Function = load_numba().njit(inline="always", _nrt=False, **_OPTIONS)(function)
    return compiled


def compile_kernel(function: Function, signature: Any) -> Function:
    """Compile one function for one signature, or load it from the cache folder."""
    with _numba_cache_folder() as numba:
        compiled: Function = numba.njit(signature, cache=True, **_OPTIONS)(function)
    return compiled


def _wanted_folder() -> Path:
    parent = os.environ.get(CACHE_VARIABLE)
    if parent:
        return Path(parent) / _folder_name()
    import platformdirs

    return platformdirs.user_cache_path("evenfield") / _folder_name()


@functools.cache
def _folder_name() -> str:
    digest = hashlib.sha256(importlib.metadata.version("numba").encode())
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.name.encode())
        digest.update(source.read_bytes())
    return f"kernels-{digest.hexdigest()[:16]}"


@contextlib.contextmanager
def _numba_cache_folder() -> Iterator[Any]:
    # numba reads its setting when a function is decorated and never again for that function.
    numba = load_numba()
    with _LOCK:
        before = numba.config.CACHE_DIR
        numba.config.CACHE_DIR = str(cache_folder())
        try:
            yield numba
        finally:
            numba.config.CACHE_DIR = before
