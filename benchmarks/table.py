"""Write the results into docs/benchmarks.md and its Chinese page: ``python -m benchmarks.table``.

``--check`` changes nothing and fails if a page differs.

The block between the two marks is printed from benchmarks/results and never edited by hand.
"""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterable
from pathlib import Path
from statistics import mean, stdev

from benchmarks.run import RESULTS
from benchmarks.tables.methods import METHODS
from benchmarks.tables.sets import FOLDS, GROUPS
from benchmarks.zoo.summing import totals
from whygrad.words import number, speaking, t

ROOT = Path(__file__).parents[1]
PAGES = {
    "en": ROOT / "docs" / "benchmarks.md",
    "zh": ROOT / "docs" / "benchmarks.zh-CN.md",
}
BEGIN, END = "<!-- bench:begin -->", "<!-- bench:end -->"


def main() -> int:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail if they differ")
    is_check = parser.parse_args().check
    stale = [path for language, path in PAGES.items() if not refresh(path, language, is_check)]
    for path in stale:
        print(f"{path.name}: run python -m benchmarks.table", file=sys.stderr)
    return 1 if stale else 0


def refresh(path: Path, language: str, is_check: bool) -> bool:
    """Bring the block of one page up to date, or with ``is_check`` return whether it is.

    Raises:
        ValueError: the marks are missing.
    """
    text = path.read_text(encoding="utf-8")
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{path.name} needs {BEGIN} and {END}; put both where the tables belong.")
    with speaking(language):
        block = render()
    wanted = "".join([head, BEGIN, "\n", block and f"{block}\n", END, tail])
    if not is_check:
        path.write_text(wanted, encoding="utf-8")
    return not is_check or text == wanted


def render() -> str:
    """Return the block in the language in use, from every results file there is."""
    blocks = []
    for kind, build in (
        ("cpu", cpu_blocks),
        ("estimators", estimator_blocks),
        ("tables", blocks_of_tables),
        ("first_second", first_second_blocks),
        ("watching", watching_blocks),
        ("zoo", zoo_blocks),
        ("streams", stream_blocks),
        ("lab", lab_blocks),
        ("growth", growth_blocks),
        ("scaling", scaling_blocks),
        ("gpu", gpu_blocks),
    ):
        path = RESULTS / f"{kind}.json"
        if path.exists():
            blocks += build(json.loads(path.read_text(encoding="utf-8")))
    return "\n\n".join(blocks)


def cpu_blocks(results: dict) -> list[str]:
    """Return the paragraphs and tables of the processor's results; what was not measured is
    left out."""
    blocks = [_machine(results["machine"])]
    for part, build in (
        ("steps", _steps),
        ("recording", _recording),
        ("recording_numpy", _recording_numpy),
        ("trained", _trained),
        ("share_of_peak", _share_of_peak),
        ("targets", _targets),
    ):
        if part in results:
            blocks += build(results)
    return blocks


def estimator_blocks(results: dict) -> list[str]:
    """Return the paragraph and table of scikit-learn's estimators and ours."""
    columns = ("set", "score_ours", "score_theirs", "seconds_ours", "seconds_theirs", "faster")
    rows = []
    for name, by in results["estimators"].items():
        ours, theirs = by["whygrad"], by["scikit-learn"]
        scores = [f"{one['score']:.3f}" for one in (ours, theirs)]
        seconds = [number(one["seconds"], 3) for one in (ours, theirs)]
        rows.append([name, *scores, *seconds, f"{theirs['seconds'] / ours['seconds']:.1f}×"])
    header = [t(f"bench.column.{column}") for column in columns]
    date = results["machine"]["date"]
    return [t("bench.estimators", date=date), markdown(header, rows)]


def blocks_of_tables(results: dict) -> list[str]:
    """Return the paragraphs and tables of whygrad's defaults and their peers: the tables on which
    they were chosen, those that are generated, and those held back."""
    header = [t("bench.column.table"), *METHODS, t("bench.column.table_seconds")]
    blocks = [t("bench.tables", date=results["machine"]["date"])]
    for group, tables in GROUPS.items():
        measured = results["tables"].items()
        rows = [_of_table(name, told["methods"]) for name, told in measured if name in tables]
        if rows:
            blocks += [t(f"bench.tables.{group}"), markdown(header, rows)]
    return blocks


def _of_table(name: str, methods: dict) -> list[str]:
    cells = [_best_variant(methods[method]) if method in methods else "–" for method in METHODS]
    (ours,) = methods.get("whygrad", {"defaults": {}}).values()
    seconds = number(ours["cpu_seconds"], 3) if "cpu_seconds" in ours else "–"
    return [name, *cells, seconds]


def _best_variant(variants: dict) -> str:
    """Return the mean score of the variant with the highest one, and its standard error; also how
    many folds these are of, if not of all."""
    scores = max((one["scores"] for one in variants.values()), key=mean)
    count = len(scores)
    error = f" ± {stdev(scores) / count**0.5:.4f}" if count > 1 else ""
    told = f" ({t('bench.folds', count=count)})" if count < FOLDS else ""
    return f"{mean(scores):.4f}{error}{told}"


def first_second_blocks(results: dict) -> list[str]:
    """Return the paragraph and table of what a first fit takes, importing included."""
    rows = []
    for case, by in results["first_second"].items():
        ours, theirs = (by[name]["seconds"] for name in ("whygrad", "scikit-learn"))
        seconds = [number(one, 3) for one in (ours, theirs)]
        rows.append([t(f"bench.first.{case}"), *seconds, f"{theirs / ours:.2f}×"])
    columns = ("first", "seconds_ours", "seconds_theirs", "faster")
    header = [t(f"bench.column.{column}") for column in columns]
    return [t("bench.first_second", date=results["machine"]["date"]), markdown(header, rows)]


def watching_blocks(results: dict) -> list[str]:
    """Return the paragraph and table of what watching a PyTorch model costs."""
    kinds = ("recorded", "whole", "others")
    columns = ("model", "milliseconds", *(f"watched_{kind}" for kind in kinds), "watched_share")
    rows = [
        [
            name,
            number(told["milliseconds"], 3),
            *(f"{told[kind]:.2f}×" for kind in kinds),
            f"{100 * told['share']:.1f} %",
        ]
        for name, told in results["watching"].items()
    ]
    header = [t(f"bench.column.{column}") for column in columns]
    return [t("bench.watching", date=results["machine"]["date"]), markdown(header, rows)]


def zoo_blocks(results: dict) -> list[str]:
    """Return the paragraphs and tables of what was watched, architectures and programs."""
    by_family: dict[str, list[dict]] = {}
    for case in results["cases"]:
        by_family.setdefault(case["name"].partition("/")[0], []).append(case)
    rows = []
    for family, cases in sorted(by_family.items()):
        told = totals(cases)
        counts = (str(told[name]) for name in ("architectures", "same", "taken_apart"))
        share = "–" if told["least_share"] is None else f"{100 * told['least_share']:.1f} %"
        differ = f"{told['gradients'] - told['gradients_differ']} / {told['gradients']}"
        rows.append(
            [family, *counts, share, differ, *(str(told[n]) for n in ("alarmed", "failed"))]
        )
    columns = ("family", "architectures", "same", "taken_apart", "least_share", "gradients")
    header = [t(f"bench.column.{name}") for name in (*columns, "alarmed", "failed")]
    told = {"date": results["machine"]["date"], "seed": results["seed"]}
    blocks = [t("bench.zoo", **told), markdown(header, rows)]
    if results["programs"]:
        rows = [
            [
                f"`{p['name']}`",
                "✓" if p["same"] else "✕",
                str(p["recorded"]),
                t("bench.times_left_out") if p["has_times"] else "",
            ]
            for p in results["programs"]
        ]
        columns = ("program", "same", "recorded_steps", "left_out")
        header = [t(f"bench.column.{name}") for name in columns]
        blocks += [t("bench.programs"), markdown(header, rows)]
    return blocks


def stream_blocks(results: dict) -> list[str]:
    """Return the paragraphs and tables of what streaming a table costs, in time and memory."""
    rows = []
    for kind, by in results["streams"].items():
        held, streamed = by["memory"], by["streamed"]
        seconds = [in_digits(one[key]) for key in ("train", "cpu") for one in (held, streamed)]
        ratios = [f"{streamed[key] / held[key]:.2f}×" for key in ("train", "seconds", "cpu")]
        rows.append([kind, *seconds, *ratios])
    columns = ("file", "train_held", "train_streamed", "cpu_held", "cpu_streamed")
    header = [t(f"bench.column.{name}") for name in (*columns, "ratio", "ratio_all", "ratio_cpu")]
    peaks = [
        [rows, *(in_digits(told[key]) for key in ("file_mib", "peak_mib", "seconds"))]
        for rows, told in results["peaks"].items()
    ]
    of_peaks = [t(f"bench.column.{name}") for name in ("rows", "file_mib", "peak_mib", "seconds")]
    return [
        t("bench.streams", date=results["machine"]["date"]),
        markdown(header, rows),
        t("bench.stream_peaks"),
        markdown(of_peaks, peaks),
    ]


def lab_blocks(results: dict) -> list[str]:
    """Return the paragraph and tables of how fast the lab is."""
    waits = {t(f"bench.lab.{name}"): taken for name, taken in results["milliseconds"].items()}
    rooms = {
        t("bench.lab.drag", room=t(f"lab.{room}.name")): taken
        for room, taken in results["drag"].items()
    }
    rows = (
        [name, *(in_digits(taken[which]) for which in ("median", "p95"))]
        for name, taken in (waits | rooms).items()
    )
    header = [t(f"bench.column.{column}") for column in ("lab", "median", "p95")]
    told = {"browser": results["browser"], "date": results["machine"]["date"]}
    return [t("bench.lab", **told), markdown(header, rows), *_targets(results)]


def growth_blocks(results: dict) -> list[str]:
    """Return the paragraphs, picture and tables of how time and memory grow with a job."""
    columns = ("grows", "from_to", "growth_seconds", "growth_memory")
    rows = []
    for axis, jobs in results["growth"].items():
        (small, first), (large, last) = list(jobs.items())[:1] + list(jobs.items())[-1:]
        span = f"{number(int(small))} → {number(int(large))}"
        times = [in_digits(one["seconds"]) for one in (first, last)]
        memory = [in_digits(one["peak_mib"]) for one in (first, last)]
        rows.append([t(f"bench.growth.{axis}"), span, " → ".join(times), " → ".join(memory)])
    header = [t(f"bench.column.{column}") for column in columns]
    told = {"steps": results["reading"]["recorded"], "date": results["machine"]["date"]}
    picture = f"![{t('bench.growth.picture')}](growth.svg)"
    return [t("bench.growth", **told), picture, markdown(header, rows), *_targets(results)]


def scaling_blocks(results: dict) -> list[str]:
    """Return the paragraphs and tables of what more cores bring, and more machines would."""
    hows, rows = ("devices", "processes"), []
    one = results["scaling"]["devices"]["1"]
    for cores in results["scaling"]["devices"]:
        seconds = [results["scaling"][how][cores] for how in hows]
        times = [f"{one / taken:.2f}×" for taken in seconds]
        rows.append([cores, *(in_digits(1000 * taken) for taken in seconds), *times])
    columns = ("cores", "in_devices", "in_processes", "faster_devices", "faster_processes")
    header = [t(f"bench.column.{column}") for column in columns]
    told = {"date": results["machine"]["date"], "load": number(results["load"], 2)}
    links = [
        [t(f"bench.scaling.{link}"), *(f"{times:.1f}×" for times in by.values())]
        for link, by in results["modelled"].items()
    ]
    machines = map(str, next(iter(results["modelled"].values())))
    return [
        t("bench.scaling", rounds=results["rounds"], **told),
        markdown(header, rows),
        t("bench.scaling.model"),
        markdown([t("bench.column.link"), *machines], links),
    ]


def gpu_blocks(results: dict) -> list[str]:
    """Return the paragraphs and tables of the GPU's results."""
    exact = results["gradients"]["highest"]
    return [
        t("bench.gpu_machine", gpu=results["machine"]["gpu"], date=results["machine"]["date"]),
        t("bench.gpu_gradients", difference=exact),
        *(_gpu_table(results["steps"], dtype) for dtype in ("float32", "bfloat16")),
    ]


def markdown(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a Markdown table, its first column to the left and the others to the right."""
    header = list(header)
    rule = ["---", *["---:"] * (len(header) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (header, rule, *rows))


def in_digits(value: float) -> str:
    """Return a time with three significant digits, or in whole units if it is longer."""
    return number(value, max(3, len(str(round(value)))))


def _machine(machine: dict) -> str:
    versions = t("bench.comma").join(
        f"{name} {made}" for name, made in machine["versions"].items() if made
    )
    return t(
        "bench.machine",
        processor=machine["processor"],
        cores=machine["cores"],
        memory=machine["memory_gib"],
        python=machine["python"],
        versions=versions,
        date=machine["date"],
    )


def _steps(results: dict) -> list[str]:
    cases, missing = results["steps"]["cases"], results["steps"]["missing"]
    names = list(dict.fromkeys(name for row in cases.values() for name in row))
    rows = (
        [case, *(in_digits(row[name]["median"]) if name in row else "–" for name in names)]
        for case, row in cases.items()
    )
    table = markdown([t("bench.column.case"), *names], rows)
    return [t("bench.steps"), table, t("bench.steps_how"), *_missing(missing)]


def _missing(missing: dict) -> list[str]:
    return [t("bench.missing", peers=t("bench.comma").join(missing))] if missing else []


def _recording(results: dict) -> list[str]:
    return [t("bench.recording"), _by_how_often(results["recording"])]


def _recording_numpy(results: dict) -> list[str]:
    return [t("bench.recording_numpy"), _by_how_often(results["recording_numpy"])]


def _by_how_often(cases: dict) -> str:
    rows = (
        [case, *(in_digits(times["median"]) for times in row.values())]
        for case, row in cases.items()
    )
    columns = [t(f"bench.column.record_{every}") for every in (0, 10, 1)]
    return markdown([t("bench.column.case"), *columns], rows)


def _trained(results: dict) -> list[str]:
    trained = results["trained"]
    columns = ("peer", "seconds", "compile_seconds", "epochs", "accuracy")
    rows = (
        [name, *(number(found[column], 3) for column in columns[1:])]
        for name, found in trained["peers"].items()
    )
    header = [t(f"bench.column.{column}") for column in columns]
    return [t("bench.trained", case=trained["case"]), markdown(header, rows)]


def _share_of_peak(results: dict) -> list[str]:
    peak, share = results["peak"]["peak_gflops"], results["share_of_peak"]["whygrad"]
    return [t("bench.peak", peak=float(f"{peak:.3g}"), share=f"{share:.0%}")]


def _targets(results: dict) -> list[str]:
    header = [t(f"bench.column.{name}") for name in ("target", "limit", "measured", "verdict")]
    return [t("bench.targets"), markdown(header, map(_target, results["targets"]))]


def _target(verdict: dict) -> list[str]:
    unit = verdict["unit"] and f" {verdict['unit']}"
    sign = "≥" if verdict["is_floor"] else "≤"
    value, name = verdict["value"], t(f"bench.target.{verdict['name']}")
    measured = t("bench.not_measured") if value is None else f"{number(value, 3)}{unit}"
    return [name, f"{sign} {number(verdict['limit'])}{unit}", measured, _outcome(verdict)]


def _outcome(verdict: dict) -> str:
    if verdict["reached"]:
        return t("bench.reached")
    if verdict["margin"] is None:
        return t("bench.not_measured")
    return t("bench.missed", share=f"{-verdict['margin']:.0%}")


def _gpu_table(cases: dict, dtype: str) -> str:
    peers = list(dict.fromkeys(name for row in cases.values() for name in row[dtype]["peers"]))
    rows = (
        [case, *(_gpu_cell(row[dtype]["peers"].get(name)) for name in peers)]
        for case, row in cases.items()
    )
    return markdown([t("bench.column.case_in", dtype=dtype), *peers], rows)


def _gpu_cell(times: dict | None) -> str:
    return "–" if times is None else in_digits(times["median"])


if __name__ == "__main__":
    sys.exit(main())
