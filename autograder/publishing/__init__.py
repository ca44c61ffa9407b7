"""Publishing: results become the gradebook, the feedback pages and what the marker sees."""
