"""`herl export`: a run as training data, or in the files of another tool."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from herl.cli.options import DEFAULT_RUNS_DIR, AsJson, DataDir, RunName, RunsDir
from herl.cli.output import print_json, say
from herl.errors import UsageError

if TYPE_CHECKING:
    from herl.export import Exported
    from herl.report.read import Result
    from herl.resources import Store
    from herl.training_data import Form, TrainingData

EXAMPLE = "herl export demo-ifeval --as dpo --min-margin 0.3 --out data"


def run(
    name: RunName,
    form: Annotated[
        Literal["lm-eval", "sft", "dpo", "rl"],
        typer.Option(
            "--as",
            help="lm-eval: its results and samples files. sft: the best answers. dpo: better and worse answers. "
            "rl: prompts with rubrics.",
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Write below this folder.")] = Path("exported"),
    min_score: Annotated[
        float | None,
        typer.Option(
            metavar="X", help="sft: the least score; without it, all criteria must be met.", show_default=False
        ),
    ] = None,
    min_margin: Annotated[
        float | None,
        typer.Option(metavar="X", help="dpo: the least difference of two scores; 0.1.", show_default=False),
    ] = None,
    runs_dir: RunsDir = DEFAULT_RUNS_DIR,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Write a run as training data, or in another tool's files.

    Training data (sft.jsonl, dpo.jsonl, rl.jsonl) come from the answers of an evaluation, or from all that an
    experiment drew; herl train and TRL read them.

    HeRL's own benchmarks as tasks of lm-eval: `lm_eval run --include_path "$(python -m herl.integrations.lm_eval)"`.
    """
    from herl.report.read import find_run
    from herl.resources import Store

    for flag, value, owner in (("--min-score", min_score, "sft"), ("--min-margin", min_margin, "dpo")):
        if value is not None and form != owner:
            raise UsageError(f"{flag} is about --as {owner}, not about {form}")
    path, store = find_run(runs_dir, name), Store(data_dir)
    if form == "lm-eval":
        _export_lm_eval(path, store, out, as_json)
    else:
        _export_training_data(path, store, out, form, as_json, min_score, min_margin)


def _export_lm_eval(path: Path, store: Store, out: Path, as_json: bool) -> None:
    from herl.export import export_lm_eval
    from herl.report.read import is_experiment, read_run
    from herl.run import read_record

    if is_experiment(path):
        raise UsageError(
            f"run '{path.resolve().name}' is an experiment, for which lm-eval has no files",
            "Say --as sft, dpo or rl.",
        )
    record = read_record(path / "run.json")
    benchmarks = [_exported(path, result, record["config"], store) for result in read_run(path)]
    written = export_lm_eval(path, record, benchmarks, out)
    if as_json:
        print_json({"run": path.name, "form": "lm-eval", "files": [str(file) for file in written]})
        return
    for file in written:
        print(file)


def _exported(path: Path, result: Result, config: Mapping[str, Any], store: Store) -> Exported:
    """A benchmark's rows with what was asked, where its data are at hand."""
    from herl.benchmarks import get
    from herl.benchmarks.conversation import conversation
    from herl.benchmarks.graded import in_order
    from herl.export import Exported, rows_of

    name, rows = result.benchmark, rows_of(path, result.benchmark)
    if name.startswith("lm:"):  # lm-eval's own files have all that it takes
        return Exported(result.document, rows, {}, {})
    try:
        items = get(name, config.get("options", {}).get(name.partition(":")[0])).load(store)
    except UsageError as error:
        say(f"prompts are left out: {error.message}")
        return Exported(result.document, rows, {}, {})
    by_id = {item.id: item for item in items}
    ordered = in_order(rows, items)
    said = {(row["id"], row["sample"]): str(row["response"]) for row in ordered}
    prompts = {
        (item, sample): conversation(by_id[item], sample, by_id, said, config.get("system") or "") or ()
        for item, sample in said
    }
    return Exported(result.document, ordered, by_id, prompts)


def _export_training_data(
    path: Path,
    store: Store,
    out: Path,
    form: Form,
    as_json: bool,
    min_score: float | None,
    min_margin: float | None,
) -> None:
    from herl.selfimprove.for_training import read_answers
    from herl.training_data import MIN_MARGIN, best_answers, preference_pairs, prompts_with_rubrics, write_rows

    found = read_answers(path, store)
    match form:
        case "sft":
            data = best_answers(found.asked, min_score)
        case "dpo":
            data = preference_pairs(found.asked, MIN_MARGIN if min_margin is None else min_margin)
        case "rl":
            data = prompts_with_rubrics(found.asked)
    for benchmark in found.left_out:
        say(f"{benchmark} is left out: lm-eval scores it, and it has no rubrics")
    if not data.rows:
        why = _counted(data.items_left_out) or "it has no items with a rubric"
        raise UsageError(f"nothing to write of run '{path.resolve().name}': {why}", data.advice)
    file = out / f"{form}.jsonl"
    write_rows(file, data.rows)
    if as_json:
        print_json({"run": path.resolve().name, "form": form, "files": [str(file)], **_account(data, found.graded_by)})
        return
    print(file)
    _say_account(data, found.graded_by)


def _account(data: TrainingData, graded_by: Mapping[str, str]) -> dict[str, Any]:
    return {
        "rows": len(data.rows),
        "items": data.items,
        "answers": data.answers,
        "left_out": {"items": dict(data.items_left_out), "answers": dict(data.answers_left_out)},
        "graded_by": dict(graded_by),
    }


def _say_account(data: TrainingData, graded_by: Mapping[str, str]) -> None:
    from herl.benchmarks import names

    looked_at = f", out of {data.answers} answers graded by {', '.join(dict.fromkeys(graded_by.values()))}"
    say(f"rows for {len(data.rows)} of {data.items} items{looked_at if data.answers else ''}")
    for what, left_out in (("items", data.items_left_out), ("answers", data.answers_left_out)):
        if left_out:
            say(f"left out {what}: {_counted(left_out)}")
    if data.advice:
        say(data.advice)
    if public := [name for name in graded_by if name.partition(":")[0] in names()]:
        say(f"These are prompts of {', '.join(public)}: a model trained on them can no longer be measured by it.")


def _counted(reasons: Mapping[str, int]) -> str:
    return "; ".join(f"{reason} ({count})" for reason, count in reasons.items())
