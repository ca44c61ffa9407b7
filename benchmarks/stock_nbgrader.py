"""A course as a careful instructor makes it with nbgrader alone, and its autograder, run behind walls of its own.

Stock nbgrader runs students' code as the user who grades, so here all of it runs in a private copy of the course that
is mounted in a namespace without network: an attack reaches that copy and nothing of this machine.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook, MissingEntry

from autograder.authoring import read_marked
from autograder.authoring.blanks import Blank
from autograder.course.practical import Practical
from autograder.errors import CourseError
from autograder.sandbox import find_bubblewrap

COURSE = "/course"  # where the private copy lies for nbgrader and for the students' code
LAST = "check-alpha-update"  # the practical's cells after it train and evaluate, which takes minutes
SECONDS = 300  # for one batch; nbgrader's own limit of 30 s a cell comes first
LIMITS = ("--as=6442450944", "--fsize=2147483648", "--nproc=4096", "--core=0")  # so that no attack harms this machine
CONFIG = "c = get_config()\nc.CourseDirectory.course_id = 'stock'\n"  # all else is nbgrader's default

HIDDEN_TESTS = {
    "explore": """
rng = np.random.default_rng(5)
obs = rng.normal(size=(6, 3))
expected = 1.5 * obs
actions = choose_actions(StandInActor(action=1.5), obs, torch.device("cpu"))
assert actions.shape == expected.shape
assert np.allclose(actions, expected, atol=1e-5)
""",
    "critic-target": """
torch.manual_seed(11)
observations, actions, next_observations, rewards = torch.randn(4, 8, 1).unbind()
dones = torch.tensor([[0.0], [1.0]]).repeat(4, 1)
data = ReplayBufferSamples(observations, actions, next_observations, dones, rewards)
actor, qf1, qf2 = StandInActor(0.7, -0.4), StandInCritic(1.0, -2.0), StandInCritic(-1.0, 0.5, 0.3)
with torch.no_grad():
    next_actions, log_pi, _ = actor.get_action(next_observations)
    soft = torch.min(qf1(next_observations, next_actions), qf2(next_observations, next_actions)) - 0.2 * log_pi
    expected = (rewards + (1 - dones) * 0.95 * soft).flatten()
target = critic_target(data, actor, qf1, qf2, 0.2, 0.95)
assert target.shape == expected.shape
assert torch.allclose(target, expected, atol=1e-5)
""",
    "critic-update": """
torch.manual_seed(13)
observations, actions, next_observations, rewards = torch.randn(4, 8, 1).unbind()
data = ReplayBufferSamples(observations, actions, next_observations, torch.zeros(8, 1), rewards)
qf1, qf2 = StandInCritic(0.5, 1.0, weight=2.0), StandInCritic(-1.0, 0.3, weight=-1.0)
q_optimizer = optim.SGD([qf1.weight, qf2.weight], lr=0.05)
wanted = torch.randn(8)
errors = [qf(observations, actions).view(-1) - wanted for qf in (qf1, qf2)]
expected = sum((error**2).mean() for error in errors)
slopes = torch.autograd.grad(expected, [qf1.weight, qf2.weight])
moved = [qf.weight.detach() - 0.05 * slope for qf, slope in zip((qf1, qf2), slopes)]
loss = update_critics(data, wanted, qf1, qf2, q_optimizer)
assert torch.allclose(loss, expected.detach(), atol=1e-5)
assert torch.allclose(torch.cat([qf1.weight, qf2.weight]), torch.cat(moved), atol=1e-5)
""",
    "alpha-update": """
data = ReplayBufferSamples(*[torch.ones(4, 1)] * 5)
log_alpha = torch.tensor([-0.5], requires_grad=True)
a_optimizer = optim.SGD([log_alpha], lr=0.2)
expected = log_alpha.detach().clone()
for log_pi in (1.5, -0.5):
    expected += 0.2 * expected.exp() * (log_pi - 1.0)
    alpha = update_alpha(data, StandInActor(log_prob=log_pi), log_alpha, a_optimizer, -1.0)
    assert torch.allclose(log_alpha, expected, atol=1e-5)
    assert np.isclose(alpha, expected.exp().item(), atol=1e-5)
""",
}


def stock_source(practical: Practical, canary: str) -> NotebookNode:
    """The practical up to the temperature's update, as stock nbgrader wants it: whole-line markers, hidden tests.

    An inline blank's whole line becomes the solution. ``canary`` stands in a comment of every hidden test.
    """
    notebook = read_marked(practical.source, practical).rewritten(_in_stock_markers)
    ids = [cell.metadata.get("nbgrader", {}).get("grade_id", "") for cell in notebook.cells]
    del notebook.cells[ids.index(LAST) + 1 :]
    for grade_id, cell in zip(ids, notebook.cells, strict=False):
        tests = HIDDEN_TESTS.get(grade_id.removeprefix("check-")) if grade_id.startswith("check-") else None
        if tests:
            first, rest = tests.strip().split("\n", 1)
            # not at the edge, where tracebacks of the tests before it would show it
            cell.source += f"\n### BEGIN HIDDEN TESTS\n{first}\n# {canary}\n{rest}\n### END HIDDEN TESTS"
    return notebook


def _in_stock_markers(blank: Blank) -> str:
    filled = blank.filled(blank.solution)
    first = filled.split("\n", 1)[0]
    indent = first[: len(first) - len(first.lstrip())]
    return f"{indent}### BEGIN SOLUTION\n{filled}\n{indent}### END SOLUTION"


@dataclass(frozen=True)
class Stock:
    """A stock course in a folder of its own; copies of it are graded."""

    folder: Path

    @classmethod
    def made(cls, folder: Path, practical: Practical, canaries: Mapping[str, str]) -> "Stock":
        """A new course whose release is generated, and whose gradebook knows a student by a secret name."""
        path = folder / "source" / practical.name / f"{practical.name}.ipynb"
        path.parent.mkdir(parents=True)
        nbformat.write(stock_source(practical, canaries["tests"]), path)
        (folder / "nbgrader_config.py").write_text(CONFIG, encoding="utf-8")
        stock = cls(folder)
        for done in (
            stock.nbgrader("generate_assignment", practical.name),
            stock.nbgrader("db", "student", "add", f"--last-name={canaries['gradebook']}", "anna"),
            stock.python("-c", "import matplotlib.font_manager"),  # makes a cache, once for all copies
        ):
            if done.returncode:
                raise CourseError(f"The stock course cannot be made: {done.stderr[-2000:]}")
        return stock

    def copied(self, folder: Path) -> "Stock":
        """The same course in another folder."""
        return Stock(Path(shutil.copytree(self.folder, folder)))

    @property
    def release(self) -> Path:
        """What students are handed."""
        (found,) = (self.folder / "release").glob("*/*.ipynb")
        return found

    def nbgrader(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run an nbgrader command in the course; see ``python``."""
        return self.python("-m", "nbgrader", *words)

    def python(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run Python in the course, walled off; TimeoutExpired after five minutes."""
        return subprocess.run(  # noqa: S603 - our own command
            [*walled_off(self.folder), sys.executable, *words],
            capture_output=True,
            errors="replace",
            text=True,
            timeout=SECONDS,
        )

    def points(self, assignment: str, student: str) -> dict[str, float] | None:
        """What the gradebook holds for a student, by question; None if no graded notebook came out.

        nbgrader takes the right to write it away as its last step; before that it is not graded, or not all of it.
        """
        path = self.graded(assignment, student)
        if not path.exists() or path.stat().st_mode & 0o222:
            return None
        with Gradebook(f"sqlite:///{self.folder}/gradebook.db", "stock") as gradebook:
            try:
                submission = gradebook.find_submission(assignment, student)
            except MissingEntry:
                return None
            grades = [grade for notebook in submission.notebooks for grade in notebook.grades]
            return {str(grade.name).removeprefix("check-"): float(grade.score) for grade in grades}

    def graded(self, assignment: str, student: str) -> Path:
        """Where the student's notebook lies once it was run and graded."""
        return self.folder / "autograded" / student / assignment / f"{assignment}.ipynb"

    def size(self, assignment: str, student: str) -> int:
        """Bytes of the student's graded notebook; 0 if there is none."""
        path = self.graded(assignment, student)
        return path.stat().st_size if path.exists() else 0

    def output_of(self, assignment: str, student: str) -> str:
        """What the student's cells put out; the tests' own text, which stands beside it there, is left out."""
        path = self.graded(assignment, student)
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"] if path.exists() else []
        return json.dumps([cell.get("outputs") for cell in cells])


def walled_off(folder: Path, *readable: Path) -> list[str]:
    """The words before a command that keep all of it in one folder, the only thing that it can write.

    It can read what is ``readable``, beside Python and this environment.
    """
    program = find_bubblewrap()
    if program is None:
        raise CourseError(
            "Other graders are only attacked behind bubblewrap, which was not found.", "autograder doctor"
        )
    shown = dict.fromkeys(["/usr", sys.base_prefix, sys.prefix, *map(str, readable)])
    links = [name for name in ("bin", "sbin", "lib", "lib64") if Path("/", name).is_symlink()]
    home = f"{COURSE}/.home"
    return [
        *("/usr/bin/env", "-i", "prlimit", *LIMITS, "--"),  # bubblewrap's own environment can be read from inside
        *(program, "--unshare-all", "--unshare-user", "--uid", "1000", "--gid", "1000", "--cap-drop", "ALL"),
        *("--die-with-parent", "--new-session", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"),  # noqa: S108 - its own
        *(word for path in shown for word in ("--ro-bind", path, path)),
        *(word for name in links for word in ("--symlink", str(Path("/", name).readlink()), f"/{name}")),
        *("--bind", str(folder), COURSE, "--dir", home, "--remount-ro", "/", "--chdir", COURSE),
        *("--setenv", "HOME", home, "--setenv", "PATH", f"{sys.prefix}/bin:/usr/bin:/bin"),
        *("--setenv", "LANG", "C.UTF-8", "--setenv", "OMP_NUM_THREADS", "1", "--setenv", "MPLBACKEND", "Agg"),
        "--",
    ]
