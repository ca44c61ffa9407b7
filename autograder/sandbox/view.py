"""What a student's process can read on this machine: Python, its libraries and the student host."""

import importlib.util
import os
import sys
import sysconfig
from pathlib import Path

HOST = Path(__file__).parent.parent / "student"
KIT = ("autograder",)  # the kit's own package, which no sandbox may show
KEPT_VARIABLES = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")  # they describe the processor, not the course
DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom")  # of the machine, for a sandbox without its own
LARGE_PAGES = "/sys/kernel/mm/transparent_hugepage"  # the C library reads here whether large pages are allowed


def environment(home: str) -> dict[str, str]:
    """The whole environment of a student's process, which may write to ``home``."""
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    return {
        **one_thread,
        **kept,
        "PATH": "/usr/bin:/bin",
        "HOME": home,
        "TMPDIR": home,
        "LANG": "C.UTF-8",
        "MPLBACKEND": "Agg",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",  # so that a submission behaves the same each time
        "TQDM_DISABLE": "1",
        "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",  # forking a process with large pages takes half the time
    }


def system_paths() -> tuple[Path, ...]:
    """What Python and its libraries need of the system: the interpreter, its standard library and shared objects."""
    here = sysconfig.get_config_var
    shared = [Path("/usr/lib64"), Path("/lib64"), Path("/etc/ld.so.cache"), Path(LARGE_PAGES)]
    if multiarch := here("MULTIARCH"):
        shared += [Path("/usr/lib") / multiarch, Path("/lib") / multiarch]
    python = [Path(interpreter()), Path(sysconfig.get_path("stdlib"))]
    if compiled := here("DESTSHARED"):
        python.append(Path(compiled))
    if here("Py_ENABLE_SHARED"):
        python.append(Path(str(here("LIBDIR"))) / str(here("INSTSONAME")))
    base = [path for path in dict.fromkeys([*python, *shared]) if path.exists() and not _through_a_link(path)]
    return tuple(path for path in base if not any(other in path.parents for other in base))


def _through_a_link(path: Path) -> bool:
    return any(folder.is_symlink() for folder in (path, *path.parents))


def system_links() -> tuple[tuple[str, str], ...]:
    """Symbolic links of a merged /usr, as (target, link)."""
    return tuple((os.readlink(link), link) for link in ("/lib", "/lib64") if Path(link).is_symlink())  # noqa: PTH115 - as it is written


def libraries() -> tuple[Path, ...]:
    """The folders that third-party packages are imported from."""
    found = {Path(path) for name in ("purelib", "platlib") if (path := sysconfig.get_path(name))}
    for name in ("torch", "msgpack", "numpy"):
        spec = importlib.util.find_spec(name)
        if spec and spec.origin:
            found.add(Path(spec.origin).parent.parent)
    return tuple(sorted(path for path in found if path.is_dir()))


def interpreter() -> str:
    """The interpreter itself, behind any virtual environment's link."""
    return os.path.realpath(sys.executable)
