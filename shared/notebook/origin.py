"""Where another machine gets twotrack from: the project is on no package index."""

from __future__ import annotations

import json
import re
import subprocess
from importlib import metadata
from pathlib import Path

from shared.errors import UsageError

ROOT = Path(__file__).parents[2]


def origin() -> str:
    """What pip takes after "twotrack @": where this very twotrack came from.

    That is the repository it was installed or checked out from, or the address of its
    wheel; "" where neither is known, or nobody else could reach it.
    """
    return _installed_from() or _checked_out_from()


def checked(source: str) -> str:
    """The address, if pip can take it.

    Raises:
        UsageError: it is none.
    """
    if not re.fullmatch(r"(git\+)?(https?|ssh|file)://[^\s\"'{}$`\\]+", source):
        raise UsageError(
            f"--source {source}: give what pip takes, such as "
            "git+https://HOST/REPOSITORY, or https://... or file:///... of a wheel"
        )
    return source


def public(remote: str) -> str:
    """A git remote as anyone reaches it, without name and password; "" if none can."""
    web = re.fullmatch(r"(https?://)(?:[^@/]*@)?([^@\s]+)", remote)
    if web:
        return f"git+{web[1]}{web[2]}"
    shell = re.fullmatch(
        r"(?:ssh://(?:[^@/]+@)?([^@:/\s]+)(?::\d+)?/|[^@/\s]+@([^@:/\s]+):)(\S+)",
        remote,
    )
    return f"git+https://{shell[1] or shell[2]}/{shell[3]}" if shell else ""


def _installed_from() -> str:
    """As pip noted it when it installed twotrack (PEP 610)."""
    try:
        noted = metadata.distribution("twotrack").read_text("direct_url.json")
    except metadata.PackageNotFoundError:
        return ""
    told = json.loads(noted or "{}")
    url = told.get("url", "")
    if "vcs_info" in told:
        address = public(url)
        return address and f"{address}@{told['vcs_info']['commit_id']}"
    return public(url).removeprefix("git+") if url.startswith("https://") else ""


def _checked_out_from() -> str:
    # Not the repository of a folder above, which is another project's.
    if not ROOT.joinpath(".git").exists():
        return ""
    command = ["git", "-C", str(ROOT), "config", "--get", "remote.origin.url"]
    try:
        told = subprocess.run(command, check=False, capture_output=True, text=True)
    except OSError:  # no git here
        return ""
    return public(told.stdout.strip())
