"""Runs a program that ends when its parent does, as another user if one is named.

    python tether.py USER SIGNAL PROGRAM [ARGUMENT …]

USER is a name, or `-` for the present one; SIGNAL is the number the program gets when the thread
that started it is gone, however it went (Linux only; elsewhere the program is merely run). It is
a program of its own, and needs nothing but the standard library, because a process with threads
must not run Python between fork and exec.
"""

import ctypes
import os
import pwd
import sys

PR_SET_PDEATHSIG = 1


def main(user: str, signal_number: int, command: list[str]) -> None:
    """Become `user`, ask for the signal, become the program."""
    parent = os.getppid()
    kernel = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
    if user != "-":
        _become(pwd.getpwnam(user))
    if kernel is not None:
        kernel.prctl(PR_SET_PDEATHSIG, signal_number)  # after the change of user, which clears it
        if os.getppid() != parent:
            sys.exit("the parent is gone")
    os.execv(command[0], command)


def _become(user: pwd.struct_passwd) -> None:
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3:])
