"""Chooses the account that PostgreSQL runs as: ours, or nobody where we are root."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

PRIVATE = 0o700


class PopenArguments(TypedDict, total=False):
    """The part of Popen's arguments that names an account."""

    user: int
    group: int
    extra_groups: list[int]
    umask: int


@dataclass(frozen=True, slots=True)
class Account:
    """Who the server runs as."""

    user_id: int
    group_id: int
    is_other: bool

    def as_popen_arguments(self) -> PopenArguments:
        """Return what Popen needs to start a program as this account."""
        if not self.is_other:
            return {"umask": 0o077}
        return {
            "user": self.user_id,
            "group": self.group_id,
            "extra_groups": [],
            "umask": 0o077,
        }


def current() -> Account:
    """Return our own account, or nobody's for root: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), is_other=False)
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid, is_other=True)


def explain_refusal(account: Account, paths: Iterable[Path]) -> str:
    """Return the sentence that says which folder the account can't pass; empty where it can."""
    if not account.is_other:
        return ""
    for parent in (parent for path in paths for parent in reversed(path.parents)):
        if parent.exists() and not parent.stat().st_mode & stat.S_IXOTH:
            return (
                f"As root, PostgreSQL runs as nobody, who may not pass {parent}: run "
                f"chmod o+x {parent}, or set DATA_DIR (and the clone) to a folder that nobody "
                "can reach, or start as an ordinary user."
            )
    return ""


def make_private(directory: Path, account: Account) -> None:
    """Make a folder that only this account may enter.

    Raises:
        PermissionError: The folder is someone else's.
    """
    directory.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
    if account.is_other:
        _give(directory, account)
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != account.user_id:
        raise PermissionError(f"{directory} belongs to another account: remove it.")
    directory.chmod(PRIVATE)


def remove_tree(directory: Path) -> None:
    """Remove what an interrupted start has left."""
    if directory.exists():
        shutil.rmtree(directory)


def _give(directory: Path, account: Account) -> None:
    """Hand over a folder of root's own; a stranger's stays the stranger's and is refused later."""
    if directory.lstat().st_uid == os.geteuid():
        os.chown(directory, account.user_id, account.group_id, follow_symlinks=False)
