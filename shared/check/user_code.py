"""A user's model, from `file.py:name`: a model, or a function that builds one.

What goes wrong in the user's code is told as the user's, with its place.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import inspect
import os
import re
import sys
import sysconfig
import textwrap
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from shared.errors import (
    OUT_OF_MEMORY,
    MissingError,
    TwotrackError,
    UsageError,
    no_memory,
)
from shared.lesson import nearest


def located(text: str, option: str) -> str:
    """The same with an absolute path, for a process in another folder.

    Args:
        text: "file.py:name".
        option: the option that it was given for.

    Raises:
        UsageError: it has no name, or there is no such file.
    """
    path, colon, name = text.rpartition(":")
    if not (colon and path and name.isidentifier()):
        raise UsageError(
            f"{option} {text!r} is not of the form file.py:name, where name is a model "
            "or a function that builds one"
        )
    if not Path(path).is_file():
        raise UsageError(f"{option}: there is no file {path!r}")
    if Path(path).suffix != ".py":
        raise UsageError(f"{option}: {path!r} is not a Python file")
    return f"{os.path.abspath(path)}:{name}"


def load_model(package: str, text: str) -> Any:
    """The model that `text` names, in the process of its track.

    Args:
        package: the track's; it tells what is a model.
        text: "file.py:name", as `located` gives it.

    Raises:
        UsageError: the file does not import, has no such name, or the name gives no
            model of this framework.
        MissingError: out of memory.
    """
    track = importlib.import_module(package)
    is_model = importlib.import_module(f"{package}.layouts").is_model
    path, _, name = text.rpartition(":")
    found = load_object(text)
    with _at_home(path):
        if not is_model(found) and callable(found):
            _check_arguments(found, path, name)
            found = guarded(path, found)
            made = f"{name}() in {path} gives"
        else:
            made = f"{name} in {path} is"
    if not is_model(found):
        raise UsageError(
            f"{made} {_kind(found)}, not a model of {track.FRAMEWORK}: name a model, "
            "or a function that returns one"
        )
    return found


def load_object(text: str) -> Any:
    """What `text` names, as it is: a loss, an optimizer, a function.

    Args:
        text: "file.py:name", as `located` gives it.

    Raises:
        UsageError: the file does not import, or has no such name.
        MissingError: out of memory.
    """
    path, _, name = text.rpartition(":")
    with _at_home(path):
        module = guarded(path, lambda: _imported(path))
    if not hasattr(module, name):
        known = [key for key in vars(module) if not key.startswith("_")]
        raise UsageError(f"{path} has no {name!r}{nearest(name, known)}")
    return getattr(module, name)


@contextlib.contextmanager
def _at_home(path: str) -> Iterator[None]:
    """Where the user's file finds its neighbours, and nothing to read."""
    folder, before = os.path.dirname(path), sys.stdin
    sys.path.insert(0, folder)
    # The process's own input is our requests.
    with open(os.devnull, encoding="utf-8") as nothing:
        sys.stdin = nothing
        try:
            yield
        finally:
            sys.stdin = before
            # Last from now on: the model may import neighbours when it is called.
            sys.path.remove(folder)
            sys.path.append(folder)


def _imported(path: str) -> ModuleType:
    # Not the file's own name, which may be that of a framework.
    name = f"user_{Path(path).stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    # Dataclasses and pickles look themselves up there.
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _check_arguments(found: Callable[..., Any], path: str, name: str) -> None:
    try:
        parameters = inspect.signature(found).parameters.values()
    except (TypeError, ValueError):
        return  # written in C: the call will tell
    needed = [
        p.name
        for p in parameters
        if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    if needed:
        raise UsageError(
            f"{name} in {path} needs {', '.join(needed)}: give defaults, or name a "
            "function without arguments"
        )


def guarded(path: str, work: Callable[[], Any]) -> Any:
    """What the user's code does, its exceptions told as the user's.

    Args:
        path: the user's file, or what else is at fault where no line of theirs is.
        work: runs it.

    Raises:
        UsageError: it raises; the message has the last place in the user's own files.
        MissingError: out of memory.
    """
    try:
        return work()
    except (TwotrackError, KeyboardInterrupt):
        raise
    except BaseException as error:  # SystemExit too
        if no_memory(error):
            raise MissingError(OUT_OF_MEMORY) from None
        raise UsageError(_told(path, error)) from None


def _told(path: str, error: BaseException) -> str:
    """The exception on one line, after the last place in the user's files."""
    # A syntax error has its place in lines of their own; another may have a long text.
    message = traceback.format_exception_only(error)[-1]
    plain = re.sub("\x1b\\[[0-9;]*m", "", message)
    last = textwrap.shorten(plain, 300, placeholder=" ...")
    if isinstance(error, SyntaxError) and error.lineno:
        return f"{error.filename}, line {error.lineno}: {last}"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if is_users(frame.filename)]
    if not own:
        return f"{path}: {last}"
    place = own[-1]
    scope = "" if place.name == "<module>" else f", in {place.name}"
    return f"{place.filename}, line {place.lineno}{scope}: {last}"


def is_users(filename: str) -> bool:
    """Whether code of that file is the user's: no library's, and not ours."""
    return not filename.startswith(_LIBRARIES) and "site-packages" not in filename


_LIBRARIES = (
    "<frozen",
    sysconfig.get_path("stdlib") + os.sep,
    *(
        str(Path(__file__).parents[2] / package) + os.sep
        for package in ("shared", "tf_track", "torch_track")
    ),
)


def _kind(value: Any) -> str:
    """What a value is, in the words of its class."""
    kind = value if isinstance(value, type) else type(value)
    package = kind.__module__.partition(".")[0]
    name = kind.__name__ if package == "builtins" else f"{package}'s {kind.__name__}"
    return f"the class {name}" if isinstance(value, type) else name
