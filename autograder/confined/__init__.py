"""An annex: the second barrier, for machines that forbid namespaces: Landlock, seccomp and a user of its own."""
