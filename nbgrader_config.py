"""The steps that nbgrader runs in this course: nbgrader's own and the kit's, by their dotted names.

The kit blanks solutions by their markers, mends submissions before they are graded, and takes marks from the judge. No
student code ever runs inside nbgrader.
"""

from nbformat import NotebookNode

c = get_config()  # noqa: F821 - nbgrader runs this file with the name in place

c.GenerateAssignment.preprocessors = [
    "nbgrader.preprocessors.IncludeHeaderFooter",
    "nbgrader.preprocessors.LockCells",
    "autograder.nbgrader.plugin.Release",
    "nbgrader.preprocessors.ClearOutput",
    "nbgrader.preprocessors.CheckCellMetadata",
    "nbgrader.preprocessors.ComputeChecksums",
    # the gradebook keeps the mark schemes for the person who marks; the next step removes them
    "nbgrader.preprocessors.SaveCells",
    "autograder.nbgrader.plugin.StripMarkSchemes",
    "nbgrader.preprocessors.ComputeChecksums",
    "nbgrader.preprocessors.CheckCellMetadata",
]

# Where students open a release in Colab; {practical} stands for its name. Without it a release has no link to Colab.
# c.Release.colab_address = "https://colab.research.google.com/github/NAME/COURSE/blob/main/{practical}.ipynb"

c.GenerateSolution.preprocessors = [
    "nbgrader.preprocessors.IncludeHeaderFooter",
    "nbgrader.preprocessors.LockCells",
    "autograder.nbgrader.solution.Solve",
]

c.Autograde.exporter_class = "autograder.nbgrader.plugin.SubmissionExporter"
c.Autograde.sanitize_preprocessors = [
    "nbgrader.preprocessors.ClearOutput",
    "nbgrader.preprocessors.DeduplicateIds",
    "nbgrader.preprocessors.OverwriteKernelspec",
    "nbgrader.preprocessors.OverwriteCells",
    "autograder.nbgrader.plugin.Sanitise",
    "nbgrader.preprocessors.CheckCellMetadata",
]
c.Autograde.autograde_preprocessors = [
    "autograder.nbgrader.plugin.Judge",
    "autograder.nbgrader.marks.SaveMarks",
    "nbgrader.preprocessors.AssignLatePenalties",
]
# takes off what the [late] table of course.toml says; a plug-in of your own may stand here: "my_module.MyPolicy"
c.AssignLatePenalties.plugin_class = "autograder.nbgrader.late.LatePolicy"

# formgrader's page of a submission; other pages stay in the notebook's order
c.HTMLExporter.preprocessors = ["autograder.nbgrader.marking.WrittenFirst"]

c.GenerateFeedback.exporter_class = "autograder.nbgrader.page.FeedbackPage"
c.GenerateFeedback.preprocessors = [
    "autograder.nbgrader.plugin.StripMarkSchemes",
    "nbgrader.preprocessors.GetGrades",
    "autograder.nbgrader.plugin.Overview",
]


def show_first_line(cell: NotebookNode, **_: object) -> None:
    """Leave the first line of a check cell that is as it was released, once it was sent to the kernel."""
    from nbgrader.utils import compute_checksum, is_grade, is_solution  # only where a notebook is validated

    facts, lines = cell.metadata.get("nbgrader", {}), cell.source.strip().splitlines()
    checks = cell.cell_type == "code" and is_grade(cell) and not is_solution(cell)
    if checks and len(lines) > 1 and facts.get("checksum") == compute_checksum(cell):
        cell.source = f"{lines[0]}\n..."
        facts["checksum"] = compute_checksum(cell)


# nbgrader validate, the one command that runs a notebook, shows the first line of a check that fails and what was
# found, without the code of the check. These lines need nothing of the kit: they may stand in nbgrader_config.py where
# students work, too.
c.Execute.on_cell_complete = show_first_line
c.Validator.width = 120

# Limits on what students hand in and on a student's process, for every command of the kit and of nbgrader. Each line
# shows a default; to change it, remove the "# " before it. A size is a number of bytes or a text such as "512 MiB".
# docs/limits.md says what happens at each limit, and how far below it right submissions stay. After a change, every
# question of every submission is asked again.
# c.Limits.time_factor = 1.0            # multiplies all times below, and those of single checks (training)
# c.Limits.seconds_to_start = 120       # the sandbox and the libraries
# c.Limits.seconds_to_define = 10       # all definitions of a notebook
# c.Limits.seconds_per_statement = 1.0   # one statement of a cell that is no definition
# c.Limits.seconds_per_ask = 15         # one question, unless its check allows more
# c.Limits.processor_seconds = 300      # of one process
# c.Limits.memory = "4 GiB"             # what one process holds for itself
# c.Limits.memory_of_all = "6 GiB"      # memory that all processes of a submission hold together
# c.Limits.processes = 64               # processes and threads of a submission
# c.Limits.open_files = 256             # of one process
# c.Limits.file_size = "32 MiB"         # one file
# c.Limits.tmp_size = "64 MiB"          # all files in /tmp, and as much again in /dev/shm
# c.Limits.seconds_to_read = 15        # one submission's file, or one page of it to render
# c.Limits.memory_to_read = "400 MiB"   # likewise
# c.Limits.largest_notebook = "64 MiB"  # the file that is handed in, its outputs included
# c.Limits.longest_cell = 200_000       # characters of one code cell
# c.Limits.all_code = 400_000           # characters of all code cells
# c.Limits.code_cells = 1_000           # cells of code
