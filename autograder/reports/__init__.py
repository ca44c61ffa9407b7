"""Reports: results as files for programs and spreadsheets, and as words for the terminal."""
