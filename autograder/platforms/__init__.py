"""Learning platforms: what they hand over is collected, and marks go back in the forms that they take. An annex."""
