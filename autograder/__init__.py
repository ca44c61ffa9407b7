"""The autograder: marks notebooks outside the student's process. It knows nothing of any one practical."""

import sys

__version__ = "1.0.0"

# jsonschema, which nbformat imports, would take a second to build a grammar of addresses with it; none is checked here.
# It stands here for the processes that grade, whose first import may be any part of the kit.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
