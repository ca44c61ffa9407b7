"""What the student process imports once, before it is copied for every question. It gives nothing away."""

import autograder.rl.warmup  # noqa: F401 # isort: skip - it comes first: it decides how much of PyTorch is imported
import stable_baselines3.common.buffers  # noqa: F401 - so that no copy imports it
