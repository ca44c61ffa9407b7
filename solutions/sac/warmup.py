"""What the student process imports once, before it is copied for every question. It gives nothing away."""

import stable_baselines3.common.buffers  # noqa: F401 - so that no copy imports it

import autograder.rl.warmup  # noqa: F401 - it does the rest
