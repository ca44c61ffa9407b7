"""The command doctor."""

import json
from dataclasses import asdict
from pathlib import Path

import typer
from rich.console import Console

from autograder.reports.tables import plain
from autograder.reports.terminal import AsJson, CourseFolder, PracticalName, edge


def add_to(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(doctor)


@edge
def doctor(course: CourseFolder = Path(), assignment: PracticalName = "", as_json: AsJson = False) -> int:
    """Say what is wrong with the course or this machine, and what to do. It tries the sandbox from inside."""
    from autograder.doctor.examination import examine

    findings = []
    for finding in examine(course.resolve(), assignment):
        findings.append(finding)
        if not as_json:
            sign = "✗" if not finding.well else "-" if finding.next_step else "✓"
            Console().print(plain(f"{sign} {finding.subject}: {finding.found}"))
            if finding.next_step:
                Console().print(plain(f"  {finding.next_step}", style="bold"))
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings], indent=1))
    return 0 if all(finding.well for finding in findings) else 1
