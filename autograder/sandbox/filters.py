"""Filters of system calls (seccomp): the kernel refuses the calls that no student's process needs.

A filter is a list of rules. ``assemble`` turns it into the kernel's machine code (classic BPF), eight bytes an
instruction, which the kernel runs at every system call. A call that no rule names is allowed. Calls newer than the
table are refused; a call of another architecture or of the x32 interface ends the process.

Source: Documentation/userspace-api/seccomp_filter.rst and linux/{filter,seccomp,audit}.h of the kernel.
"""

import errno
import platform
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from autograder.sandbox.syscalls import NEWEST, NUMBERS

ARCHITECTURES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}  # AUDIT_ARCH_*, and the table's column
X32 = 0x40000000  # the bit that marks x32's calls on x86_64
LOAD, AND, EQUAL, AT_LEAST, GREATER, JUMP, RETURN = 0x20, 0x54, 0x15, 0x35, 0x25, 0x05, 0x06
NUMBER, ARCHITECTURE, ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data; arguments are eight bytes each
ALLOW, KILL, REFUSE = 0x7FFF0000, 0x80000000, 0x00050000  # REFUSE is or-ed with an errno

NAMESPACES = 0x7E020000  # CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
AF_UNIX, SOCK_DGRAM, SOCK_RAW = 1, 2, 3
SOL_SOCKET, SO_PASSCRED, SO_PEERCRED, SO_PEERGROUPS, SO_PASSPIDFD, SO_PEERPIDFD = 1, 16, 17, 59, 76, 77
PR_SET_DUMPABLE = 4
TIOCSTI, TIOCLINUX, FIOSETOWN, SIOCSPGRP = 0x5412, 0x541C, 0x8901, 0x8902
FILE_SYSTEMS = (*b"fvX", 0x94)  # the type bytes of file systems' ioctls: flags, versions, XFS, Btrfs
F_SETLEASE, F_NOTIFY, F_SETOWN, F_SETSIG, F_SETOWN_EX = 1024, 1026, 8, 10, 15
O_TMPFILE, O_TRUNC, O_ACCMODE = 0o20000000, 0o1000, 0o3
PRIO_PROCESS, IOPRIO_WHO_PROCESS = 0, 1


@dataclass(frozen=True)
class Holds:
    """A condition: ``(argument & mask) == value`` is ``wanted``. Only the low 32 bits of an argument are read."""

    argument: int
    value: int
    mask: int = 0xFFFFFFFF
    wanted: bool = True


@dataclass(frozen=True)
class Rule:
    """A system call that fails with ``error`` where all conditions hold; with 0 it does nothing and reports success."""

    call: str
    conditions: tuple[Holds, ...] = ()
    error: int = errno.EPERM


def _all(names: str) -> tuple[Rule, ...]:
    return tuple(Rule(name) for name in names.split())


def _not(argument: int, value: int) -> tuple[Holds, ...]:
    return (Holds(argument, value, wanted=False),)


NETWORK = (
    *_all("socket connect bind listen accept accept4"),
    Rule("socketpair", _not(0, AF_UNIX)),
    *(Rule("socketpair", (Holds(1, kind, 0xF),)) for kind in (SOCK_DGRAM, SOCK_RAW)),  # these can send to any address
    # these ask who the judge at the other end is
    *(
        Rule(call, (Holds(1, SOL_SOCKET), Holds(2, option)))
        for call, options in (
            ("getsockopt", (SO_PEERCRED, SO_PEERGROUPS, SO_PEERPIDFD)),
            ("setsockopt", (SO_PASSCRED, SO_PASSPIDFD)),
        )
        for option in options
    ),
)
OTHER_PROCESSES = (
    *_all("ptrace process_vm_readv process_vm_writev process_madvise process_mrelease kcmp pidfd_getfd move_pages"),
    *_all("migrate_pages perf_event_open keyctl add_key request_key get_robust_list"),
    # shared by all processes of a user, or memory that no limit counts
    *_all("shmget shmat shmctl semget msgget mq_open mq_unlink memfd_create memfd_secret"),
    *(Rule(name, _not(0, 0)) for name in ("prlimit64", "sched_setaffinity", "sched_setscheduler")),
    *(Rule(name, _not(0, 0)) for name in ("sched_setparam", "sched_setattr")),
    *(Rule("setpriority", _not(0, PRIO_PROCESS)), Rule("setpriority", _not(1, 0))),
    *(Rule("ioprio_set", _not(0, IOPRIO_WHO_PROCESS)), Rule("ioprio_set", _not(1, 0))),
    *(Rule("ioctl", (Holds(1, command),)) for command in (TIOCSTI, TIOCLINUX)),
)
KERNEL = (
    *_all("bpf userfaultfd io_uring_setup syslog lsm_set_self_attr"),
    *_all("reboot swapon swapoff kexec_load kexec_file_load init_module finit_module delete_module"),
    *_all("settimeofday clock_settime clock_adjtime adjtimex personality quotactl quotactl_fd acct"),
    *_all("sethostname setdomainname iopl ioperm modify_ldt"),
)
VIEWS = (
    *_all("mount umount2 pivot_root chroot open_tree move_mount fsopen fsconfig fsmount fspick mount_setattr"),
    *_all("statmount listmount unshare setns open_by_handle_at name_to_handle_at fanotify_init"),
    Rule("clone", (Holds(0, 0, NAMESPACES, wanted=False),)),
    Rule("clone3", error=errno.ENOSYS),  # its flags lie in memory, where no filter looks; the C library then uses clone
)
# what a file's owner may do without the right to write; the libraries may belong to the grader's user. Leases prevent
# others from opening a file; attributes and flags stay after the session, in memory that no limit counts
OWNERS = (
    *_all("setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr"),
    *_all("inotify_init inotify_init1 inotify_add_watch"),
    *(Rule("fcntl", (Holds(1, command),)) for command in (F_SETLEASE, F_NOTIFY)),
    *(Rule("ioctl", (Holds(1, kind << 8, 0xFF00),)) for kind in FILE_SYSTEMS),
)
# for a sandbox on the machine's own disk: what Landlock does not forbid to a file's owner
SHARED_DISK = (
    *_all("chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat truncate utime utimes futimesat utimensat"),
    Rule("openat2", error=errno.ENOSYS),  # its flags lie in memory, where no filter looks
    # nothing is deleted before the session ends: a deleted file that is still open fills the disk, but is in no folder
    *(Rule(name, error=0) for name in ("unlink", "unlinkat", "rmdir")),
    *(
        rule
        for call, flags in (("open", 1), ("openat", 2))
        for rule in (
            Rule(call, (Holds(flags, O_TMPFILE, O_TMPFILE),), errno.EOPNOTSUPP),  # a file that is in no folder
            Rule(call, (Holds(flags, O_TRUNC, O_TRUNC | O_ACCMODE),)),  # would empty a file that may only be read
        )
    ),
)
GROUPS = _all("setsid setpgid")  # so that one signal to the process group reaches every process
SIGNALS = (
    *_all("kill tkill tgkill rt_sigqueueinfo rt_tgsigqueueinfo pidfd_send_signal"),
    *(Rule("fcntl", (Holds(1, command),)) for command in (F_SETOWN, F_SETOWN_EX, F_SETSIG)),
    *(Rule("ioctl", (Holds(1, command),)) for command in (FIOSETOWN, SIOCSPGRP)),
)
OF_COPIES = (
    Rule("prctl", (Holds(0, PR_SET_DUMPABLE),)),  # else the judge could not measure what a copy uses
    Rule("socketpair"),  # what waits in a socket is memory that no limit counts: each copy has a few from its start
)
IN_NAMESPACES = (*NETWORK, *OTHER_PROCESSES, *KERNEL, *VIEWS, *OWNERS)
ON_SHARED_DISK = (*IN_NAMESPACES, *SHARED_DISK)


def supported() -> bool:
    """Whether filters can be made for this machine's processor."""
    return platform.machine() in ARCHITECTURES


def assemble(rules: Iterable[Rule], machine: str = "") -> bytes:
    """The rules as a program for the kernel (an array of struct sock_filter); KeyError on an unknown architecture."""
    architecture, column = ARCHITECTURES[machine or platform.machine()]
    program = [
        (LOAD, 0, 0, ARCHITECTURE),
        *((EQUAL, 1, 0, architecture), (RETURN, 0, 0, KILL)),
        (LOAD, 0, 0, NUMBER),
        *((AT_LEAST, 0, 1, X32), (RETURN, 0, 0, KILL)),
        *((GREATER, 0, 1, NEWEST), (RETURN, 0, 0, REFUSE | errno.ENOSYS)),
    ]
    for rule in rules:
        number = NUMBERS[rule.call][column]
        if number is not None:
            program += _block(number, rule)
    program.append((RETURN, 0, 0, ALLOW))
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)


def _block(number: int, rule: Rule) -> Sequence[tuple[int, int, int, int]]:
    """One rule's instructions. Where it does not hold, the next block follows, with the call's number loaded."""
    body: list[tuple[int, int, int, int]] = []
    left = 4 * len(rule.conditions)  # instructions from the next condition to the refusal
    for condition in rule.conditions:
        left -= 4
        body += [
            (LOAD, 0, 0, ARGUMENTS + 8 * condition.argument),
            (AND, 0, 0, condition.mask),
            (EQUAL, *((1, 0) if condition.wanted else (0, 1)), condition.value),
            (JUMP, 0, 0, left + 1),  # past the refusal, to where the number is loaded again
        ]
    body.append((RETURN, 0, 0, REFUSE | rule.error))
    if rule.conditions:
        body.append((LOAD, 0, 0, NUMBER))
    return [(EQUAL, 0, len(body), number), *body]
