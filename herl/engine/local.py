"""What the engines that run in this process share: finding the model, its fingerprint, its prompts."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Generator, Sequence
from contextlib import closing
from typing import Any, ClassVar

from herl.engine import hardware
from herl.engine.base import Answer, Engine, EngineOptions, Request
from herl.engine.chat import Prompt, refusal, render, require_template
from herl.engine.likelihood import Stretch, Weighing, weigh
from herl.engine.quiet import quiet
from herl.engine.weights import find_weights
from herl.errors import HerlError, IncompleteError, UsageError, first_line, nearest
from herl.item import Likelihood

_ADVICE = "HERL_DEBUG=1 shows the engine's own log; herl doctor says what works here."
_DTYPES = ["bfloat16", "float16", "float32"]


class LocalEngine(Engine):
    """A model in this process. Subclasses load it and answer prompts.

    Args:
        model: "demo", a folder or a hub id.
        options: How to run it; `extra` goes to the engine as it is.

    Raises:
        UsageError: there is no such model or device.
    """

    kind: ClassVar[str]
    knows_likelihoods = True

    def __init__(self, model: str, options: EngineOptions) -> None:
        self.model = model
        self._weights = find_weights(model)
        self._extra = dict(options.extra)
        self._device = hardware.pick_device(options.device)
        self._dtype = _dtype(self._extra.pop("dtype", None) or hardware.pick_dtype(self._device))
        self._tokenizer: Any = None

    @property
    def fingerprint(self) -> str:
        """Engine, number type, device, weights and settings."""
        settings = json.dumps(self._extra, sort_keys=True, default=str) if self._extra else ""
        return "/".join([self.kind, self._dtype, self._device, self._weights.digest, settings]).rstrip("/")

    def generate(self, requests: Sequence[Request]) -> Generator[Answer]:
        """Answer all requests, as `Engine.generate` says; the first call loads the model."""
        self._ensure_loaded()
        prompts: list[Prompt] = []
        weighings: list[Weighing] = []
        for request in requests:
            read = self._read(request)
            if isinstance(read, Prompt):
                prompts.append(read)
            elif isinstance(read, Weighing):
                weighings.append(read)
            else:
                yield refusal(request, read, self.model)
        try:
            yield from self._answer(prompts)
            yield from self._weigh(weighings)
        except HerlError:
            raise
        except Exception as error:  # the engines raise whatever they like
            raise self._broken_off(error) from error

    def _broken_off(self, error: Exception) -> IncompleteError:
        return IncompleteError(f"{self.kind} broke off: {first_line(error)}", _ADVICE)

    def _read(self, request: Request) -> Prompt | Weighing | str:
        """A request as the model reads it, or why it cannot be read."""
        if request.continuations:
            return weigh(self._tokenizer, request, self._longest_stretch())
        return render(self._tokenizer, request, self._context())

    def _weigh(self, weighings: Sequence[Weighing]) -> Generator[Answer]:
        for weighing in weighings:
            if weighing.is_complete:
                yield weighing.answer(self.model)
        places = [(weighing, at) for weighing in weighings for at in range(len(weighing.stretches))]
        with closing(self._measure([weighing.stretches[at] for weighing, at in places])) as measured:
            for number, likelihood in measured:
                weighing, at = places[number]
                weighing.found[at] = likelihood
                if weighing.is_complete:
                    yield weighing.answer(self.model)

    def _ensure_loaded(self) -> None:
        if self._is_loaded():
            return
        if self._device == "cpu":
            hardware.prepare_threads()
        name = self._weights.locate()
        with quiet():
            self._tokenizer = self._tokenizer or self._load_tokenizer(name)
            try:
                self._load(name)
            except HerlError:
                raise
            except Exception as error:  # the engines raise whatever they like; all mean that it cannot be loaded
                raise HerlError(f"{self.kind} cannot load {self.model}: {first_line(error)}", _ADVICE) from error

    def _load_tokenizer(self, name: str) -> Any:
        from transformers import AutoTokenizer

        try:
            tokenizer = AutoTokenizer.from_pretrained(name)
        except Exception as error:  # as above
            raise UsageError(f"the tokenizer of {self.model} cannot be loaded: {first_line(error)}") from error
        require_template(tokenizer, self.model)
        return tokenizer

    @abstractmethod
    def _is_loaded(self) -> bool: ...

    @abstractmethod
    def _load(self, name: str) -> None:
        """Load the weights.

        Args:
            name: The model's folder.

        Raises:
            Exception: anything; the caller words it for the user.
        """

    @abstractmethod
    def _context(self) -> int:
        """The longest sequence of the loaded model, prompt and answer together, in tokens."""

    @abstractmethod
    def _answer(self, prompts: Sequence[Prompt]) -> Generator[Answer]:
        """Answer prompts that fit, yielding each as it finishes."""

    @abstractmethod
    def _longest_stretch(self) -> int:
        """The most tokens of a stretch, measured ones included."""

    @abstractmethod
    def _measure(self, stretches: Sequence[Stretch]) -> Generator[tuple[int, Likelihood]]:
        """Tell how likely the measured tokens of each stretch are, yielding its place as it finishes."""


def _dtype(name: Any) -> str:
    if name not in _DTYPES:
        raise UsageError(f"unknown dtype '{name}'", nearest(str(name), _DTYPES))
    return str(name)
