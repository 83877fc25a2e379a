"""Diagnosing a watched run loads nothing that only our own training needs."""

import json
import subprocess
import sys
from pathlib import Path

RUN = Path(__file__).parents[2] / "record" / "format1" / "watched"
HEAVY = ("jax", "optax", "sklearn", "pandas", "torch")
CODE = """
import json, sys
from whygrad.doctor.asking import diagnose_run
from whygrad.record.folder import RunFolder
diagnosis = diagnose_run(RunFolder(sys.argv[1]))
told = {"text": str(diagnosis), "findings": diagnosis.to_dict()["findings"]}
print(json.dumps(told | {"loaded": sorted({name.partition(".")[0] for name in sys.modules})}))
"""


def test_no_heavy_package_is_loaded():
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(RUN)], capture_output=True, check=True, text=True
    )
    told = json.loads(done.stdout)
    assert told["text"]
    assert not set(HEAVY) & set(told["loaded"])
