"""Break many drawn networks, diagnose all: ``python -m benchmarks.faults.sweep``.

Every finished network is a line of JSON beside the result, so that Ctrl-C keeps what is done.
The doctor sees a set-up and nothing of how it was drawn or broken; it tries no remedies here.
Most faults are one setting that a check reads, and many are extreme: what is measured is whether a
known fault is recognised, an upper bound for faults that people make. The control is how often the
checks name a change that does no harm.
"""

import argparse
import json
import os
import signal
import tempfile
import time
from collections.abc import Iterator, Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
RESULT = ROOT / "benchmarks" / "results" / "faults_sweep.json"
PICTURE = ROOT / "docs" / "faults_sweep.svg"
FAULT_SEED = 1  # sets what breaks a network apart from what draws it
Line = dict[str, Any]


def main() -> None:
    """Sweep, write the result and its picture, and print a short table."""
    options = _options()
    lines = sweep(options)
    from benchmarks.faults.curves import draw
    from benchmarks.faults.summing import as_text, summed

    result = summed(lines)
    options.out.write_text(json.dumps(result, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    options.picture.write_text(draw(lines), encoding="utf-8")
    print(as_text(result))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", type=int, default=300)
    parser.add_argument("--first", type=int, default=0, help="number of the first network")
    parser.add_argument("--each", type=int, default=1, help="faults a network")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--minutes", type=float, default=float("inf"), help="stop after")
    parser.add_argument("--out", type=Path, default=RESULT)
    parser.add_argument("--picture", type=Path, default=PICTURE)
    parser.add_argument("--again", action="store_true", help="only sum up the lines there are")
    return parser.parse_args()


def sweep(options: argparse.Namespace) -> list[Line]:
    """Return a line for every network diagnosed, as far as it got."""
    kept = options.out.with_suffix(".jsonl")
    if not options.again:
        kept.parent.mkdir(parents=True, exist_ok=True)
        try:
            _write(kept, options)
        except KeyboardInterrupt:
            print("Stopped. What is done is kept.")
    return [json.loads(line) for line in kept.read_text(encoding="utf-8").splitlines()]


def _write(kept: Path, options: argparse.Namespace) -> None:
    with kept.open("w", encoding="utf-8") as stream:
        for lines in _worked(options):
            # one call a network: Ctrl-C leaves no half of a line
            stream.write("".join(json.dumps(line, allow_nan=False) + "\n" for line in lines))
            stream.flush()


def _worked(options: argparse.Namespace) -> Iterator[list[Line]]:
    """Yield the lines of one network after the other until all are done or time is up."""
    _share_compiled()
    jobs = [(n, options.each) for n in range(options.first, options.first + options.networks)]
    until = time.monotonic() + 60 * options.minutes
    with get_context("spawn").Pool(options.workers, _leave_ctrl_c) as pool:
        for done, lines in enumerate(pool.imap_unordered(diagnosed_safely, jobs), start=1):
            yield lines
            print(f"{done} of {len(jobs)}: {_in_short(lines)}", flush=True)
            if time.monotonic() > until:
                return


def _share_compiled() -> None:
    """Let every worker use what another one, or another sweep, has compiled."""
    folder = Path(tempfile.gettempdir()) / "whygrad_compiled"
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(folder))
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")


def _leave_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent sees to it


def _in_short(lines: Sequence[Line]) -> str:
    return ", ".join(f"{line['fault'] or 'whole'} {line['status']}" for line in lines)


def diagnosed_safely(job: tuple[int, int]) -> list[Line]:
    """Return the lines of one network; what goes wrong is told in its line and ends nothing."""
    try:
        return diagnosed(*job)
    except Exception as error:
        told = f"{type(error).__name__}: {error}"
        return [{"number": job[0], "fault": None, "status": "failed", "error": told}]


def diagnosed(number: int, each: int = 1) -> list[Line]:
    """Return a line for a healthy network, and one for each of its drawn faults.

    Args:
        each: how many faults to draw.
    """
    import numpy as np

    from benchmarks.faults.generating import break_it, healthy, is_faulty, is_healthy, suited

    setup = healthy(number)
    whole, baseline = line_of(setup)
    measures = whole.pop("measures")
    status = "healthy" if is_healthy(baseline, measures) else "set_aside"
    lines = [_named(number, None, status, whole)]
    rng = np.random.default_rng([number, FAULT_SEED])
    names = suited(setup)
    for fault in rng.permutation(names)[:each] if status == "healthy" else []:
        broken, _ = line_of(break_it(setup, str(fault), rng))
        is_ill = is_faulty(baseline, measures, broken.pop("measures"))
        lines.append(_named(number, str(fault), "faulty" if is_ill else "set_aside", broken))
    return lines


def _named(number: int, fault: str | None, status: str, line: Line) -> Line:
    from benchmarks.faults.generating import FAULTS, data_of

    wanted = FAULTS[fault].components if fault else ()
    named = {"number": number, "data": data_of(number), "fault": fault, "status": status}
    return named | {"components": list(wanted)} | line


def line_of(setup: Any) -> tuple[Line, Any]:
    """Return what the doctor says of a set-up as plain data, and its baseline.

    The same steps as :func:`whygrad.doctor.diagnosing.diagnose`, kept apart: the curves need what
    was learned by both baselines, and what the checks find in healthy networks, too.
    """
    from whygrad.doctor.baseline import baseline_of
    from whygrad.doctor.diagnosing import is_on_its_way, judge, raised_by
    from whygrad.doctor.faults import run_checks
    from whygrad.doctor.gathering import gather
    from whygrad.doctor.reference import reference_of
    from whygrad.doctor.trials import try_out

    began = time.monotonic()
    outcome = try_out(setup)
    evidence = gather(setup, baseline_of(setup), outcome)
    reference = raised_by(evidence, try_out(reference_of(setup)))
    diagnosis, found = judge(evidence, reference), run_checks(evidence)
    line = {
        "task": setup.task,
        "optimizer": setup.settings.optimizer,
        "measures": outcome.measures,
        "learned": evidence.learned,
        "of_twin": reference.learned(outcome.median),
        "by_heart": evidence.baseline.is_by_heart,
        "on_its_way": is_on_its_way(evidence, found),
        "flagged": not diagnosis.is_healthy,
        "told": [finding.kind for finding in diagnosis.findings],
        "findings": [
            {"kind": f.kind, "component": f.component, "confidence": round(f.confidence, 3)}
            for f in found
        ],
        "seconds": round(time.monotonic() - began, 2),
    }
    return line, evidence.baseline


if __name__ == "__main__":
    main()
