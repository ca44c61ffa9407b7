"""What the benchmarks of performance measure: all of a command's processes, and the same checks as the judge's."""

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.performance import without_training

BURNS = """
import time
began = time.process_time()
while time.process_time() < began + 0.5:
    pass
"""
MEASURE = """
import json, sys
from dataclasses import asdict
from benchmarks.watching import used_by
start = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', sys.argv[1]])"
print(json.dumps(asdict(used_by([sys.executable, "-c", start, sys.argv[1]]))))
"""


def test_what_outlives_a_command_is_counted(kit: Path) -> None:
    done = subprocess.run([sys.executable, "-c", MEASURE, BURNS], cwd=kit, capture_output=True, text=True, check=True)
    assert 0.5 <= json.loads(done.stdout)["processor"] < 5


def test_a_course_without_training_has_all_other_questions_and_their_points(kit: Path, tmp_path: Path) -> None:
    course = without_training(tmp_path, 1)
    questions = course.practical.questions
    assert not any(each.end_to_end for each in questions)
    assert sum(each.points for each in questions) == 22
    assert len(list(course.submitted.glob("*/*/*.ipynb"))) == 1
