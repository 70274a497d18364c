"""Where metrics go beside metrics.jsonl: TensorBoard, trackio, wandb. None of them can stop a run."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, Protocol

from herl.closing import Closing
from herl.errors import UsageError, first_line

Name = Literal["tensorboard", "trackio", "wandb"]


class Tracker(Protocol):
    """A place that shows metrics."""

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Take a step's metrics, so that they are safe when the process is killed afterwards."""
        ...

    def close(self) -> None:
        """Finish the run's page."""
        ...


@dataclass(frozen=True, slots=True)
class About:
    """What trackers are told of a run.

    Args:
        folder: The run's folder.
        project: What the run belongs to.
        run: Its name.
        created: When it was begun: a run that starts over is another one to a tracker.
        config: Its settings.
    """

    folder: Path
    project: str
    run: str
    created: str
    config: Mapping[str, Any]

    @property
    def id(self) -> str:
        """By which a resumed run finds its page again."""
        return hashlib.sha256(f"{self.folder.resolve()}\x1f{self.created}".encode()).hexdigest()[:16]


class TensorBoard:
    """Event files in the run's tensorboard/ folder."""

    def __init__(self, about: About) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer: Any = SummaryWriter(str(about.folder / "tensorboard"))

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Write and flush: steps are rare."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()

    def close(self) -> None:
        """Close the file."""
        self._writer.close()


class Trackio:
    """Trackio's local dashboard (`trackio show`)."""

    def __init__(self, about: About) -> None:
        import trackio

        self._trackio: Any = trackio
        trackio.init(project=about.project, name=about.run, config=dict(about.config), resume="allow")

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Hand them over."""
        self._trackio.log(dict(values), step=step)

    def close(self) -> None:
        """Wait until trackio has them."""
        self._trackio.finish()


class Wandb:
    """Weights & Biases; offline (`WANDB_MODE=offline`) it keeps everything in the run's wandb/ folder."""

    def __init__(self, about: About) -> None:
        import wandb

        self._run: Any = wandb.init(
            project=about.project,
            name=about.run,
            id=about.id,
            resume="allow",
            dir=str(about.folder),
            config=dict(about.config),
        )

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Hand them over."""
        self._run.log(dict(values), step=step)

    def close(self) -> None:
        """Wait until wandb has them."""
        self._run.finish()


_MAKERS: Mapping[str, Callable[[About], Tracker]] = {"tensorboard": TensorBoard, "trackio": Trackio, "wandb": Wandb}


class Trackers(Closing):
    """Several trackers; one that fails is named once and left alone from then on.

    Args:
        names: Which.
        about: The run.
        say: Tells the user something.
    """

    def __init__(self, names: Sequence[Name], about: About, say: Callable[[str], None]) -> None:
        self._say = say
        self._open: dict[str, Tracker] = {}
        for name in dict.fromkeys(names):
            self._guarded(name, partial(self._start, name, about))

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Tell all of them a step's metrics."""
        for name, tracker in list(self._open.items()):
            self._guarded(name, partial(tracker.log, step, values))

    def close(self) -> None:
        """Finish all of them; safe to call twice."""
        for name in list(self._open):
            self._guarded(name, self._open.pop(name).close)

    def _start(self, name: Name, about: About) -> None:
        self._open[name] = _MAKERS[name](about)

    def _guarded(self, name: str, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception as error:  # whatever it is, the run is worth more
            self._open.pop(name, None)
            self._say(f"{name} failed and gets no more metrics ({first_line(error)}); metrics.jsonl has them all")


def check_trackers(names: Sequence[Name]) -> None:
    """See whether trackers can be had, before anything is loaded.

    Raises:
        UsageError: a package is missing.
    """
    for name in names:
        if find_spec(name) is None:
            raise UsageError(
                f"log.trackers has {name}, which is not installed", f"pip install {name}, or leave it out."
            )
