"""What nbgrader does in this course: the kit's steps stand among nbgrader's own, named by dotted name.

Solutions are blanked by their markers, submissions are mended before they are graded, and marks come from the judge:
no student's code ever runs inside nbgrader.
"""

c = get_config()  # noqa: F821 - nbgrader runs this file with the name in place

c.GenerateAssignment.preprocessors = [
    "nbgrader.preprocessors.IncludeHeaderFooter",
    "nbgrader.preprocessors.LockCells",
    "autograder.nbgrader_plugin.Release",
    "nbgrader.preprocessors.ClearOutput",
    "nbgrader.preprocessors.CheckCellMetadata",
    "nbgrader.preprocessors.ComputeChecksums",
    # the gradebook keeps the mark schemes, for the marker; from here on they are gone
    "nbgrader.preprocessors.SaveCells",
    "autograder.nbgrader_plugin.StripMarkSchemes",
    "nbgrader.preprocessors.ComputeChecksums",
    "nbgrader.preprocessors.CheckCellMetadata",
]

c.Autograde.exporter_class = "autograder.nbgrader_plugin.SubmissionExporter"
c.Autograde.sanitize_preprocessors = [
    "autograder.nbgrader_plugin.Repair",
    "nbgrader.preprocessors.ClearOutput",
    "nbgrader.preprocessors.DeduplicateIds",
    "nbgrader.preprocessors.OverwriteKernelspec",
    "nbgrader.preprocessors.OverwriteCells",
    "autograder.nbgrader_plugin.Disarm",
    "nbgrader.preprocessors.CheckCellMetadata",
]
c.Autograde.autograde_preprocessors = [
    "autograder.nbgrader_plugin.Judge",
    "autograder.publishing.marks.SaveMarks",
    "nbgrader.preprocessors.AssignLatePenalties",
]

c.GenerateFeedback.preprocessors = [
    "autograder.nbgrader_plugin.StripMarkSchemes",
    "nbgrader.preprocessors.GetGrades",
    "autograder.nbgrader_plugin.Digest",
    "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
]

# Limits on what is handed in and on a student's process, for every command of the kit and of nbgrader. Each line shows
# a default; to change one, take away its "# ". Sizes are bytes or texts such as "512 MiB". docs/limits.md says what
# happens at each limit, and how far below it right submissions stay. After a change, all are graded anew.
# c.Limits.time_factor = 1.0            # all times below, and those of single checks (training), times so much
# c.Limits.seconds_to_start = 120       # the sandbox and the libraries
# c.Limits.seconds_to_define = 10       # all definitions of a notebook
# c.Limits.seconds_per_ask = 15         # one question, unless its check allows more
# c.Limits.processor_seconds = 300      # of one process
# c.Limits.memory = "4 GiB"             # what one process holds for itself
# c.Limits.memory_of_all = "6 GiB"      # memory that all processes of a submission hold together
# c.Limits.processes = 64               # processes and threads of a submission
# c.Limits.open_files = 256             # of one process
# c.Limits.file_size = "32 MiB"         # one file
# c.Limits.tmp_size = "64 MiB"          # all files in /tmp, and as much again in /dev/shm
# c.Limits.largest_notebook = "64 MiB"  # the file that is handed in, its outputs included
# c.Limits.longest_cell = 200_000       # characters of one code cell
# c.Limits.all_code = 400_000           # characters of all code cells
# c.Limits.code_cells = 1_000           # cells of code
