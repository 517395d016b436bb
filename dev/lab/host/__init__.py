"""The machine: packages, processes, ports, locks, paths."""
