"""Fuzz the protocol on both its sides: whatever bytes arrive, there is an outcome and never a crash.

    pip install -e '.[fuzz]'
    python -m benchmarks.fuzz_wire --inputs 1000000

Coverage-guided (atheris), from frames that a grading run has sent. The judge's side reads an input as the student's
bytes, in a real Session over a socket; the host's side as the judge's. Prints a table for docs/security.md.
"""

import argparse
import re
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FunctionType
from typing import Any
from unittest import mock

import numpy as np

from autograder.course.folders import Course
from autograder.course.limits import Limits
from autograder.grading.mark import Marking
from autograder.grading.mend import Mended
from autograder.judging.checks import Answer, Mistake, Value
from autograder.judging.judge import judge, student_process
from autograder.judging.process import StudentProcess
from autograder.judging.session import Answered, Defined, Gone, Raised, Session
from autograder.sandbox import NoBarrier, choose_barrier
from autograder.student import host, quiet, runner, wire
from autograder.verification.corpus import load_corpus, variant_notebook

ROOT = Path(__file__).resolve().parents[1]
LONGEST = 4096  # bytes of an input
SECONDS = 5  # that one input may take before it counts as a hang
MEBIBYTES = 1024  # that the fuzzer may hold before it counts as a bomb
PLAIN = (type(None), bool, int, float, str)
NEVER = Limits(seconds_per_ask=60, seconds_to_define=60)


FRAMED, RAW = b"\x00", b"\x01"  # an input's first byte: one frame of the right length, or bytes as they are


def framed(content: bytes) -> bytes:
    """A frame's content with its length in front."""
    return len(content).to_bytes(4, "big") + content


def stream(given: bytes) -> bytes:
    """The bytes that an input of the fuzzer has its side read."""
    return framed(given[1:]) if given[:1] == FRAMED else given[1:]


# ---- what must hold ----------------------------------------------------------------------------------------------


def is_of_the_format(value: object) -> bool:
    """Whether a value is made of the wire format's types alone, and of no subclass of them."""
    if type(value) is list:
        return all(map(is_of_the_format, value))
    if type(value) is dict:
        return all(type(key) is str for key in value) and all(map(is_of_the_format, value.values()))
    if type(value) is np.ndarray:
        return value.dtype.str in wire.DTYPES
    return type(value) in (*PLAIN, wire.Opaque)


def decoded(content: bytes) -> None:
    """The decoder gives a value of the format or WireError, and what it gives can be sent again."""
    try:
        value = wire.unpack(content)
    except wire.WireError:
        return
    assert is_of_the_format(value)
    wire.unpack(wire.pack(value))


@contextmanager
def said(content: bytes) -> Iterator[socket.socket]:
    """A socket whose other end says these bytes and no more. They must fit into the kernel's buffer."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(content)
        theirs.shutdown(socket.SHUT_WR)
        yield ours


class Judge:
    """The judge's side, fed with bytes in place of a student's process, which is never started."""

    def __init__(self, process: StudentProcess) -> None:
        self.process = process

    def hears(self, content: bytes) -> None:
        """Whatever is said, asking ends in one of three outcomes, and accessors in a right value or a Mistake."""
        with said(content) as channel:
            outcome = Session(self.process, channel).ask("probe", {"x": 1.0}, self.handle)
        assert isinstance(outcome, Answered | Raised | Gone)
        if isinstance(outcome, Answered):
            assert is_of_the_format(outcome.values)
            looked_at(Answer(outcome.values))
        with said(content) as channel:
            defined = Session(self.process, channel).define()
        assert isinstance(defined, Defined | Gone)

    def handle(self, name: str, values: Mapping[str, Value]) -> Value:
        """A handler as the practical's: it gets plain values of any kind."""
        assert type(name) is str
        assert is_of_the_format(dict(values))
        return True


def looked_at(answer: Answer) -> None:
    """Every accessor gives a right value or raises Mistake."""
    for name in ("y", "values", "mean"):
        for shape in ((), (1,), (2, 3)):
            try:
                found = answer.array(name, shape, "the values")
            except Mistake:
                continue
            assert found.shape == shape
            assert found.dtype == np.float64
            assert np.isfinite(found).all()
        try:
            number = answer.number(name, "the value")
        except Mistake:
            continue
        assert type(number) is float
        assert np.isfinite(number)


def echo(_session: object, **values: Any) -> Any:
    """A probe that answers with what it was asked with."""
    return values


def host_hears(content: bytes) -> None:
    """The host's side, fed with bytes in place of the judge: it answers until the judge makes no sense, or hangs up."""
    loaded = runner.Loaded([], "")
    loaded.probes["probe"] = echo
    with said(content) as channel, mock.patch.multiple(host, create=True, wire=wire, runner=runner, quiet=quiet):
        session = host.SandboxSession(channel, loaded)
        try:
            session.serve()
        except wire.WireError:
            return
    raise AssertionError("the host stopped by itself")


SIDES: Mapping[str, Callable[[], Callable[[bytes], None]]] = {
    "judge": lambda: Judge(StudentProcess(NoBarrier(), NEVER)).hears,
    "host": lambda: host_hears,
}


# ---- seeds -------------------------------------------------------------------------------------------------------


def record(folder: Path) -> None:
    """Grade the reference, without its training, and keep every frame of either side that is not too long."""
    course = Course(ROOT, "sac")
    marking = Marking(course, skip=frozenset({"training"}))
    practical = course.practical
    (variant, *_) = load_corpus([practical.folder / "variants/alpha.toml"], practical, practical.source)
    paper = marking.paper(Mended(variant.id, variant_notebook(practical.source, practical, variant)))
    frames: dict[str, set[bytes]] = {"judge": set(), "host": set()}
    unpack, pack = wire.unpack, wire.pack

    def unpacked(content: bytes | bytearray) -> Any:
        frames["judge"].add(bytes(content))
        return unpack(content)

    def packed(value: Any) -> bytes:
        content = pack(value)
        frames["host"].add(content)
        return content

    with (
        mock.patch.object(wire, "unpack", unpacked),
        mock.patch.object(wire, "pack", packed),
        student_process(paper.release.imports, marking.key, choose_barrier(), marking.limits) as process,
    ):
        judge(paper, marking.key, process, marking.questions)
    for side, found in frames.items():
        (folder / side).mkdir(parents=True)
        short = sorted(content for content in found if len(content) < LONGEST // 2)
        for number, content in enumerate(short):
            (folder / side / f"one-{number}").write_bytes(FRAMED + content)
            (folder / side / f"two-{number}").write_bytes(RAW + framed(short[number - 1]) + framed(content))


# ---- the fuzzer --------------------------------------------------------------------------------------------------


def fuzz(side: str, arguments: list[str]) -> None:
    """Run libFuzzer in this process, which it ends."""
    import atheris

    for owner in (wire, Session, host.SandboxSession, Answer):
        for function in vars(owner).values():
            if isinstance(function, FunctionType) and function.__module__.startswith("autograder."):
                atheris.instrument_func(function)
    hears = SIDES[side]()

    def target(given: bytes) -> None:
        decoded(given[1:])
        hears(stream(given))

    atheris.Setup([sys.argv[0], *arguments], target, enable_python_coverage=True)
    atheris.Fuzz()


def run(side: str, inputs: int, seeds: Path) -> list[str]:
    """Fuzz one side in a process of its own; the row of the table. SystemExit with its last words on a crash."""
    limits = [f"-timeout={SECONDS}", f"-rss_limit_mb={MEBIBYTES}", f"-max_len={LONGEST}", "-seed=1"]
    words = [sys.executable, "-m", "benchmarks.fuzz_wire", "--child", side, f"-runs={inputs}", *limits]
    words += ["-print_final_stats=1", f"-artifact_prefix={seeds}/", str(seeds / side)]
    began = len(list((seeds / side).iterdir()))
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    if done.returncode != 0:
        raise SystemExit(f"{side}: {done.stderr[-6000:]}")
    return [side, *read_statistics(done.stderr), str(began)]


def read_statistics(log: str) -> list[str]:
    """Inputs, seconds, peak memory in MiB and branches covered, as libFuzzer reports them at its end."""
    last = re.findall(r"cov: (\d+)", log)[-1]
    seconds = re.findall(r"Done \d+ runs in (\d+) second", log)[-1]
    executed, peak = (
        re.findall(rf"stat::{name}:\s+(\d+)", log)[-1] for name in ("number_of_executed_units", "peak_rss_mb")
    )
    return [executed, seconds, peak, last]


def main() -> None:
    """See the module's docstring."""
    if sys.argv[1:2] == ["--child"]:
        fuzz(sys.argv[2], sys.argv[3:])
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--side", choices=[*SIDES], action="append")
    arguments = parser.parse_args()
    print("| side | inputs | seconds | peak memory, MiB | branches covered | seeds | crashes |")
    print("|---|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        seeds = Path(folder) / "seeds"
        record(seeds)
        for side in arguments.side or SIDES:
            print(f"| {' | '.join(run(side, arguments.inputs, seeds))} | 0 |", flush=True)


if __name__ == "__main__":
    main()
