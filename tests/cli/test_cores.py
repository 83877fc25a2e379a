"""NumPy's steps are small: a command that trains with them leaves the other cores alone."""

import json
import os
import subprocess
import sys

import pytest

TRAINED = """
import json, sys
from threadpoolctl import threadpool_info
from whygrad.cli import main
sys.argv = ["whygrad", *{arguments!r}]
try:
    main()
except SystemExit as end:
    print(json.dumps([end.code, [one["num_threads"] for one in threadpool_info()]]))
"""


@pytest.mark.sampled
@pytest.mark.skipif(len(os.sched_getaffinity(0)) == 1, reason="needs two cores to leave one alone")
@pytest.mark.parametrize(("asked", "threads"), [({}, 1), ({"OPENBLAS_NUM_THREADS": "2"}, 2)])
def test_training_with_numpy_computes_on_one_core_unless_told_otherwise(tmp_path, asked, threads):
    arguments = ["train", "iris", "--epochs", "2", "--out", str(tmp_path / "run"), "--json"]
    environment = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")} | asked
    done = subprocess.run(
        [sys.executable, "-c", TRAINED.format(arguments=arguments)],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    code, found = json.loads(done.stdout.splitlines()[-1])
    assert code == 0
    assert json.loads((tmp_path / "run" / "run.json").read_text())["engine"] == "numpy"
    assert found and set(found) == {threads}
