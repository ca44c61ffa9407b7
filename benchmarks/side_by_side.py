"""Give the same hostile submissions to stock nbgrader, to otter-grader and to this kit, and say what each made of them.

    python -m benchmarks.side_by_side [--only NAME]... [--jobs 2] [--kept FILE] [--otter FOLDER] [--json | --markdown]

Every attack is handed in between two students' right answers: one whose marks are there already, one who is graded
after it. Its own answer to the question that it attacks is wrong, so whatever it is given for that is forged. Random
marks are laid where a student must not read: in the others' notebooks, the hidden tests, the solutions and the
gradebook. One that turns up in what the attacker gets back counts as a secret read. otter-grader is installed from the
internet, in a folder that --otter can keep for the next run.
"""

import argparse
import json
import secrets
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.markdown import Markdown
from rich.progress import track

from autograder.files import write_atomically
from benchmarks.attacked_graders import Grader, Outcome, build_graders
from benchmarks.attacks import Attack, load_attacks

KINDS = ("tests", "gradebook", "neighbour")  # of secrets


@dataclass(frozen=True)
class Row:
    """One attack, and what came of it in each grader, by the grader's name."""

    attack: Attack
    outcomes: Mapping[str, Outcome]

    def forged(self, grader: str) -> float:
        """Points for the wrong answer."""
        return 0.0 if self.attack.right else self.outcomes[grader].attacked(self.attack.question)


def compared(attacks: Sequence[Attack], graders: Sequence[Grader], jobs: int, kept: Path | None) -> Iterator[Row]:
    """A row for each attack, as soon as all graders are done with it.

    What ``kept`` holds of an earlier run is taken from there, and what is new is added.
    """
    known = json.loads(kept.read_text(encoding="utf-8")) if kept and kept.exists() else {}
    with ThreadPoolExecutor(jobs) as pool:
        pending = {
            (attack.name, grader.name): pool.submit(grader.batch, attack)
            for attack in attacks
            for grader in graders
            if grader.name not in known.get(attack.name, {})
        }
        for attack in attacks:
            found = known.setdefault(attack.name, {})
            for grader in graders:
                if (attack.name, grader.name) in pending:
                    found[grader.name] = asdict(pending[attack.name, grader.name].result())
            if kept:
                write_atomically(kept, json.dumps(known, indent=1))
            yield Row(attack, {grader.name: Outcome(**found[grader.name]) for grader in graders})


def totals(rows: Sequence[Row], grader: str) -> dict[str, float]:
    """What one grader suffered in all."""
    outcomes = [row.outcomes[grader] for row in rows]
    return {
        "attacks that forged marks": sum(row.forged(grader) > 0 for row in rows),
        "points forged": sum(row.forged(grader) for row in rows),
        "attacks that read secrets": sum(bool(outcome.secrets) for outcome in outcomes),
        "neighbours with wrong marks or none": sum(len(outcome.harmed) for outcome in outcomes),
        "batches stopped": sum(outcome.stopped for outcome in outcomes),
    }


def table(rows: Sequence[Row], graders: Sequence[Grader]) -> Iterator[str]:
    """Rows of Markdown: the attacks, and below them the totals."""
    names = [grader.name for grader in graders]
    heads = [f"{name}: {what}" for name in names for what in ("attacked", "in all", "and else")]
    yield f"| submission | question | {' | '.join(heads)} |"
    yield "|---|---|" + "---|" * len(heads)
    for row in rows:
        cells = [cell for grader in graders for cell in _cells(row, grader)]
        yield f"| `{row.attack.name}`: {row.attack.does} | {row.attack.question} | {' | '.join(cells)} |"
    yield ""
    yield f"| of {len(rows)} submissions | {' | '.join(names)} |"
    yield "|---|" + "---|" * len(names)
    for what in totals(rows, names[0]):
        yield f"| {what} | {' | '.join(f'{totals(rows, name)[what]:g}' for name in names)} |"


def _cells(row: Row, grader: Grader) -> tuple[str, str, str]:
    outcome = row.outcomes[grader.name]
    worth = grader.worth[row.attack.question]
    if outcome.points is None:
        return "not graded", f"- of {grader.in_all:g}", outcome.words
    attacked = f"{outcome.attacked(row.attack.question):g} of {worth:g}"
    return (
        f"**{attacked}**" if row.forged(grader.name) else attacked,
        f"{outcome.in_all:g} of {grader.in_all:g}",
        (outcome.words),
    )


def data(rows: Sequence[Row], graders: Sequence[Grader]) -> dict[str, object]:
    """All of it, for a program."""
    return {
        "attacks": [
            {
                "name": row.attack.name,
                "does": row.attack.does,
                "question": row.attack.question,
                **{name: asdict(outcome) for name, outcome in row.outcomes.items()},
            }
            for row in rows
        ],
        "totals": {grader.name: totals(rows, grader.name) for grader in graders},
    }


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=load_attacks(), help="this one alone; repeatable")
    parser.add_argument("--jobs", type=int, default=2, help="batches at once")
    parser.add_argument("--kept", type=Path, help="a file to keep outcomes in; what it holds is not run again")
    parser.add_argument("--otter", type=Path, help="a folder for otter-grader's environment")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--markdown", action="store_true", help="the table as docs/security.md holds it")
    given = parser.parse_args()
    attacks = [attack for name, attack in load_attacks().items() if not given.only or name in given.only]
    canaries = {kind: f"canary-{kind}-{secrets.token_hex(6)}" for kind in KINDS}
    with tempfile.TemporaryDirectory(prefix="side-by-side-") as folder:
        graders = build_graders(Path(folder), canaries, given.otter or Path(folder) / "environment")
        rows = compared(attacks, graders, given.jobs, given.kept)
        done = list(track(rows, "attacking", len(attacks), console=Console(stderr=True)))
    if given.json:
        print(json.dumps(data(done, graders), indent=1))
    elif given.markdown:
        print(*table(done, graders), sep="\n")
    else:
        Console().print(Markdown("\n".join(table(done, graders))))


if __name__ == "__main__":
    main()
