"""A practical in NumPy waits for no other library; what is left out of PyTorch's import comes when it is used."""

import json
import subprocess
import sys
from pathlib import Path

from small_course import CHECKS, hand_in, run, small_course

NEEDLESS = {"torch", "gymnasium", "stable_baselines3", "mujoco", "matplotlib", "scipy", "pandas", "dask", "distributed"}
PROBES = """
import sys

def imported(session):
    return sorted({name.partition(".")[0] for name in sys.modules})
"""
ASKS = f'''{CHECKS}

@check("shift", look_at="the imports")
def it_imports(exam: Exam) -> None:
    """It says what it has imported."""
    answer = exam.ask("imported")
    if type(exam).__name__ == "LocalExam":
        return  # the check is proven: no student is asked
    raise Mistake(" ".join(map(answer.value, answer.names)))
'''


def test_the_students_process_imports_what_its_notebook_needs_and_no_more(tmp_path: Path) -> None:
    course = small_course(tmp_path / "my course", files={"probes.py": PROBES, "checks.py": ASKS})
    done = run("check", hand_in(course, "alice"), "--course", course, "--json")
    (said,) = (each["happened"] for each in json.loads(done.stdout)["questions"][1]["checks"] if each["happened"])
    imported = set(said.split())
    assert "numpy" in imported
    assert not imported & NEEDLESS


def test_the_grader_imports_no_library_that_only_other_practicals_need(tmp_path: Path) -> None:
    course = small_course(tmp_path / "my course")
    hand_in(course, "alice")
    words = [sys.executable, "-X", "importtime", "-m", "autograder", "grade", str(course), "--jobs", "1"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}
    assert {"numpy", "nbgrader"} <= imported
    assert (course / "feedback/alice/hw-1/hw-1.html").is_file()
    assert not imported & NEEDLESS


def test_what_is_left_out_of_pytorch_is_imported_when_it_is_used(kit: Path) -> None:
    program = """
import sys
import autograder.rl.warmup
import torch
assert "torch._decomp" not in sys.modules
from torch._meta_registrations import meta_index_Tensor
ones = torch.ones(3, device="meta")
assert torch.index_select(ones, 0, torch.zeros(1, dtype=torch.int64, device="meta")).shape == (1,)
import torch._prims, torch.utils._content_store
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], cwd=kit, check=True)
