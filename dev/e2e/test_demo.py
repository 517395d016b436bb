"""The demo with which newcomers begin."""

import os
import subprocess

from lab.host.paths import ROOT


def test_the_demo_runs_to_its_end():
    done = subprocess.run(
        ["make", "demo", "DEMO_EXIT=1"],
        cwd=ROOT,
        env={**os.environ, "MAKEFLAGS": ""},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    assert "All steps worked. Everything that this started is stopped." in done.stdout
