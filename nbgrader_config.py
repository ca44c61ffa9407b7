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
    "nbgrader.preprocessors.SaveAutoGrades",
    "nbgrader.preprocessors.AssignLatePenalties",
]

c.GenerateFeedback.preprocessors = [
    "autograder.nbgrader_plugin.StripMarkSchemes",
    "nbgrader.preprocessors.GetGrades",
    "autograder.nbgrader_plugin.Digest",
    "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
]
