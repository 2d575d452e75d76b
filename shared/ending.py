"""How a command ends: in one line and an exit code, whatever goes wrong.

Exit codes: 0 fine, 1 the tracks disagree, 2 wrong use or bad input, 3 something is
missing on this machine; a study has 4 for undecided; 130 after Ctrl-C.
"""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import signal
import sys
import traceback

import click

from shared.errors import OUT_OF_MEMORY, MissingError, TwotrackError


def finish(command: click.Command, arguments: list[str], name: str) -> None:
    """Run the command; whatever goes wrong is one line and an exit code."""
    _open_streams()
    # A polite kill cleans up as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    code = 0
    try:
        # click's own `main` would exit with 1, our "disagree", on a broken pipe.
        with command.make_context(name, arguments) as context:
            command.invoke(context)
        sys.stdout.flush()
    except click.exceptions.Exit as done:
        code = done.exit_code
    except BrokenPipeError:
        pass  # whoever read our output has left
    except (Exception, KeyboardInterrupt) as error:
        code, message = _verdict(error)
        with contextlib.suppress(OSError):
            click.echo(f"twotrack: {' '.join(message.split())}", err=True)
    _close_streams()
    sys.exit(code)


def _verdict(error: BaseException) -> tuple[int, str]:
    """The exit code of an error, and what to say."""
    if isinstance(error, TwotrackError):
        return error.exit_code, str(error)
    if isinstance(error, click.ClickException):
        return 2, _told(error)
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        return 130, "stopped"
    if isinstance(error, MemoryError):
        return MissingError.exit_code, OUT_OF_MEMORY
    if isinstance(error, OSError):
        told = filter(None, (error.filename, error.strerror or str(error)))
        return MissingError.exit_code, ": ".join(map(str, told))
    # A lesson that its reader has changed, or a bug of ours: where, says the traceback.
    traceback.print_exception(error)
    return MissingError.exit_code, f"{type(error).__name__}: {error}"


def _told(error: click.ClickException) -> str:
    """What click says, and which help tells more."""
    message = error.format_message().rstrip(".")
    context = getattr(error, "ctx", None)
    if context is None or "--help" in message:
        return message
    return f"{message[0].lower()}{message[1:]} - see `{context.command_path} --help`"


def _open_streams() -> None:
    """Let a closed standard stream be the null device, and let no character fail.

    The next file that is opened would get a closed stream's number, and its output.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115
    codecs.register_error("twotrack", _plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="twotrack")


def _plain(error: UnicodeError) -> tuple[str | bytes, int]:
    """What stands for a character that the output's encoding does not have."""
    assert isinstance(error, UnicodeEncodeError)
    known = {"✓": "+", "✗": "x", "–": "-"}.get(error.object[error.start])
    # Else its number, as JSON has it too.
    return (known, error.start + 1) if known else codecs.backslashreplace_errors(error)


def _close_streams() -> None:
    """What cannot be written is dropped, lest Python try again at exit and complain."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
