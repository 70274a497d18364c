"""Reads a training run's settings: a TOML file, and what `--set` changes of it.

Every fault is one line that says where it stands (the file or `--set`), names the key with its section, and offers
the nearest name there is.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from herl.engine.address import without_secrets
from herl.errors import UsageError, nearest
from herl.forms import Form, plain, shown
from herl.models import is_remote
from herl.train.config import Config, Method

Path_ = tuple[str, ...]
"""A key with the sections that it is in: ("rollout", "max_tokens")."""

_SHIPPED = Path(__file__).parent / "configs"
_LONGEST_FILE = 1_000_000  # bytes
_FORM = 'It is a TOML file, in which a text stands in quotes: model = "demo".'
_SET = "Write --set KEY=VALUE or --set SECTION.KEY=VALUE, such as --set optimizer.learning_rate=1e-5."
_NOT_PRESETS = {
    "rlvr": "RLVR is a method of its own: herl train rlvr.",
    "naive_he": "It can be read in two ways: naive_he_context and naive_he_prompt (docs/training.md).",
}

# What TRL and verl call our keys.
_ELSEWHERE = {
    "lr": "optimizer.learning_rate",
    "max_steps": "steps",
    "num_train_epochs": "epochs",
    "total_epochs": "epochs",
    "max_prompt_length": "data.max_prompt_tokens",
    "n": "rollout.rollouts_per_prompt",
    "group_size": "rollout.rollouts_per_prompt",
    "num_generations": "rollout.rollouts_per_prompt",
    "train_batch_size": "rollout.prompts_per_step",
    "max_response_length": "rollout.max_tokens",
    "max_completion_length": "rollout.max_tokens",
    "max_new_tokens": "rollout.max_tokens",
    "loss_type": "loss.variant",
    "epsilon": "loss.clip_low",
    "epsilon_high": "loss.clip_high",
    "kl_coef": "loss.kl",
    "kl_loss_coef": "loss.kl",
    "reward_shaping_alpha": "hindsight.bonus",
    "he_shaping_gamma": "hindsight.gamma",
    "save_steps": "checkpoint.every",
    "eval_steps": "evaluate.every",
    "report_to": "log.trackers",
}

# Learning rates of method.md, section 5; RLVR and HeRL have the launch script's.
_OF_METHOD: Mapping[str, Mapping[Path_, Any]] = {
    "sft": {("optimizer", "learning_rate"): 1e-5},
    "dpo": {("optimizer", "learning_rate"): 5e-7},
}
_UNUSED: Mapping[str, Collection[str]] = {
    "sft": ("hindsight", "dpo"),
    "dpo": ("hindsight", "sft"),
    "rlvr": ("hindsight", "sft", "dpo"),
    "herl": ("sft", "dpo"),
}
# How a run is watched and kept, and how it is cut into pieces: none of it decides what is learnt.
_FREE = ("checkpoint", "evaluate", "log", "device", "optimizer.tokens_per_microbatch")


def read_config(method: Method, config: str | Path, changes: Sequence[str] = ()) -> Config:
    """A run's settings, checked.

    Args:
        method: What they are for: a learning rate that nobody gives is the method's.
        config: A TOML file, or the name of a shipped one.
        changes: What `--set` was given: "a.b=value". A value is TOML where it parses, else it is a text.

    Raises:
        UsageError: the file cannot be read or is no TOML, a key is unknown, a value is of the wrong kind, or
            settings contradict each other.
    """
    path = _find(str(config))
    values = _parse(path)
    changed = [_change(values, change) for change in changes]
    for (section, key), value in _OF_METHOD.get(method, {}).items():
        table = values.setdefault(section, {})
        if isinstance(table, dict):  # else the check below says so
            table.setdefault(key, value)
    found = _checked(values, path.name, changed)
    check(method, found)
    return found


def shipped() -> list[str]:
    """The names of the configs that come with HeRL."""
    return sorted(path.stem for path in _SHIPPED.glob("*.toml"))


def check(method: Method, config: Config) -> None:
    """Refuse settings that a method cannot run with.

    Raises:
        UsageError: the settings and what to change.
    """
    if config.steps is None and config.epochs is None:
        raise UsageError("the settings do not say how long to train", "Set steps, or epochs; with both the first ends.")
    if is_remote(config.model):
        raise UsageError(
            f"'{without_secrets(config.model)}' cannot be trained: its weights are not here",
            "Give demo, a model folder or a hub id.",
        )
    group, prompts = config.rollout.rollouts_per_prompt, config.rollout.prompts_per_step
    if method in ("rlvr", "herl") and group < 2:
        raise UsageError(
            f"rollout.rollouts_per_prompt must be at least 2 for {method}, not {group}",
            "An answer's advantage is what it scores above the others of its group.",
        )
    if method in ("rlvr", "herl") and config.optimizer.updates_per_step > prompts:
        raise UsageError(
            f"optimizer.updates_per_step is {config.optimizer.updates_per_step}, more than the {prompts} of "
            "rollout.prompts_per_step",
            "Each update takes its share of a step's prompts.",
        )
    if method == "dpo" and config.dpo.samples == 1:
        raise UsageError("dpo.samples must be 0, for given pairs, or at least 2, not 1", "A pair is of two answers.")
    if config.evaluate.benchmarks:
        from herl.benchmarks import get

        for name in config.evaluate.benchmarks:
            get(name)


def binding(method: Method, config: Config) -> dict[str, Any]:
    """The settings that a run which continues must have as it had them, for run.json.

    All that decides what is learnt: not how the run is watched and kept, where it runs and into what pieces an
    update is cut, nor sections that the method does not use; and not the run's length, unless the learning rate
    depends on it.

    Args:
        method: Bound, too.
        config: The settings.

    Returns:
        "rollout.max_tokens" -> value, in plain JSON values without secrets.
    """
    free = {*_FREE, *_UNUSED[method], *(("steps", "epochs") if config.optimizer.schedule == "constant" else ())}
    flat = {".".join(path): value for path, value in _leaves(config.model_dump())}
    kept = {key: value for key, value in flat.items() if not {key, key.partition(".")[0]} & free}
    return {"method": method, **{key: _public(value) for key, value in kept.items()}}


def _find(config: str) -> Path:
    path = Path(config).expanduser()
    if config in shipped() and not path.is_file():
        return _SHIPPED / f"{config}.toml"
    if path.is_dir():
        raise UsageError(f"{config} is a folder, not a file of settings", nearest(path.name, shipped()))
    if not path.exists():
        raise UsageError(f"there is no file {config}, nor are settings of that name shipped", _offer(path))
    return path


def _offer(path: Path) -> str:
    beside = [each.name for each in path.parent.glob("*.toml")] if path.parent.is_dir() else []
    close = difflib.get_close_matches(path.name, beside, n=1)
    return f"Did you mean '{path.parent / close[0]}'?" if close else nearest(path.stem, shipped())


def _parse(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            content = file.read(_LONGEST_FILE + 1)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from None
    if len(content) > _LONGEST_FILE:
        raise UsageError(f"{path} is too long for a file of settings (over {_LONGEST_FILE:,} bytes)")
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise UsageError(f"{path} is not UTF-8 text (line {line})", "Save it as UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path} is not TOML: {error}", _FORM) from None
    except RecursionError:
        raise UsageError(f"{path} is not TOML that can be read: it is nested too deeply", _FORM) from None


def _change(values: dict[str, Any], change: str) -> Path_:
    """Put one `--set` into the values; returns the key that it sets."""
    key, equals, text = change.partition("=")
    path = tuple(part.strip() for part in key.split("."))
    if not equals or not all(path):
        raise UsageError(f"--set {without_secrets(change)!r:.80} is not understood", _SET)
    table = values
    for depth, part in enumerate(path[:-1], 1):
        inner = table.setdefault(part, {})
        if not isinstance(inner, dict):
            above = ".".join(path[:depth])
            raise UsageError(f"--set {'.'.join(path)}: {above} is no section", _nearest_key(path))
        table = inner
    table[path[-1]] = _value(text)
    return path


def _value(text: str) -> Any:
    """A TOML value, or else the text itself."""
    try:
        parsed = tomllib.loads(f"value = {text}")
    except (tomllib.TOMLDecodeError, RecursionError):
        return text.strip()
    return parsed["value"] if len(parsed) == 1 else text.strip()  # a line break would begin another key


def _checked(values: Mapping[str, Any], file: str, changed: Collection[Path_]) -> Config:
    for path, value in _leaves(values):
        plain(value, f"{_where(path, file, changed)}: {'.'.join(path)}", _FORM)
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        faults = error.errors(include_url=False)
    # A misspelt key is two faults, and the unknown one says more than the missing one.
    fault = min(faults, key=lambda each: each["type"] != "extra_forbidden")
    path, field = _place(fault["loc"])
    where, name, value = _where(path, file, changed), ".".join(path), _get(values, path)
    match fault["type"]:
        case "extra_forbidden":
            what = f"section [{name}]" if isinstance(value, Mapping) else f"key '{name}'"
            raise UsageError(f"{where}: unknown {what}", _nearest_key(path))
        case "missing":
            raise UsageError(f"{where} has no '{name}'", f"It must be {field.description if field else ''}.")
        case "value_error":
            raise UsageError(f"{where}: [{name}]: {fault['ctx']['error']}", "Leave one of the two out.")
    kind = field.description if field else ""
    raise UsageError(f"{where}: {name} must be {kind}, not {_shown(value)}", _nearest_choice(field, value))


def _place(location: Sequence[int | str]) -> tuple[Path_, FieldInfo | None]:
    """The key that a fault is about, and its field: pydantic also names parts of a value and of a type."""
    form: type[Form] | None = Config
    path: list[str] = []
    field = None
    for part in location:
        if form is None:
            break
        path.append(str(part))
        field = form.model_fields.get(str(part))
        form = _section(field) if field else None
    return tuple(path), field


def _section(field: FieldInfo) -> type[Form] | None:
    """The form of a section, None for a field that is a value."""
    kinds = (field.annotation, *get_args(field.annotation))
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Form)), None)


def keys() -> Iterator[tuple[Path_, FieldInfo]]:
    """Every key that a config can have, with its section, in the order of `Config`."""
    for name, field in Config.model_fields.items():
        section = _section(field)
        if section is None:
            yield (name,), field
        else:
            yield from (((name, key), inner) for key, inner in section.model_fields.items())


def _nearest_key(path: Path_) -> str:
    """A hint that offers a key for one that does not exist: alike in its section, or the same in another."""
    *above, last = path
    known = [each for each, _ in keys()]
    sections = sorted({each[0] for each in known if len(each) > 1})
    if above and above[0] not in sections:
        return nearest(above[0], sections)
    beside = [each[-1] for each in known if list(each[:-1]) == above] + (sections if not above else [])
    alike = difflib.get_close_matches(last.lower(), beside, n=1, cutoff=0.7)
    namesakes = [".".join(each) for each in known if each[-1] == last.lower()]
    offers = [_ELSEWHERE.get(last.lower(), ""), *namesakes, *(".".join((*above, each)) for each in alike)]
    offer = next(filter(None, offers), "")
    return f"Did you mean '{offer}'?" if offer else f"Known: {', '.join(beside)}."


def _nearest_choice(field: FieldInfo | None, value: Any) -> str:
    if not isinstance(value, str) or field is None:
        return ""
    choices = list(_choices(field.annotation))
    if value in _NOT_PRESETS and "naive_he_context" in choices:
        return _NOT_PRESETS[value]
    if value.startswith("["):
        return 'In TOML the texts of a list stand in quotes: ["one", "two"].'
    close = difflib.get_close_matches(value.lower(), choices, n=1, cutoff=0.7)
    return f"Did you mean '{close[0]}'?" if close else ""


def _choices(kind: Any) -> Iterator[str]:
    """The texts that a type allows by name."""
    if get_origin(kind) is Literal:
        yield from get_args(kind)
    else:
        for part in get_args(kind):
            yield from _choices(part)


def _where(path: Path_, file: str, changed: Collection[Path_]) -> str:
    """Where a key was written: also a section that `--set` began, and a part of a value that it gave whole."""
    return "--set" if any(each[: len(path)] == path or path[: len(each)] == each for each in changed) else file


def _leaves(values: Mapping[str, Any], above: Path_ = ()) -> Iterator[tuple[Path_, Any]]:
    """Every value with its key, where sections are mappings."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, (*above, key))
        else:
            yield (*above, key), value


def _get(values: Any, path: Path_) -> Any:
    for part in path:
        values = values.get(part) if isinstance(values, Mapping) else None
    return values


def _public(value: Any) -> Any:
    return without_secrets(value) if isinstance(value, str) else value


def _shown(value: Any) -> str:
    return shown(_public(value))
