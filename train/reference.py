"""What the starting model thinks of preference pairs: found once, kept on the disk."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from itertools import chain, islice
from pathlib import Path

from herl.errors import HerlError, first_line
from herl.files import write_atomically
from herl.train.policy import Policy, Sequence_

_PAIRS_AT_ONCE = 256


class Reference:
    """A file of log-probabilities, in safetensors' format: pairs by what they are, so that nothing else can be read.

    Args:
        path: The file; made when missing.
        policy: Of the run.
    """

    def __init__(self, path: Path, policy: Policy) -> None:
        self._path = path
        self._policy = policy

    def of(self, pairs: Mapping[int, tuple[Sequence_, Sequence_]], *, is_start: bool) -> dict[int, tuple[float, float]]:
        """The log-probabilities of both answers of each pair, summed over their tokens.

        Args:
            pairs: Row of the data -> its pair.
            is_start: The policy has not been updated, so that it is the starting model. Otherwise, and only for what
                the file lacks, that is loaded a second time.

        Returns:
            Row -> (the better answer's, the worse one's).
        """
        names = {index: _name(self._policy.fingerprint, pair) for index, pair in pairs.items()}
        known = self._read()
        lacking = iter([index for index in pairs if names[index] not in known])
        while some := list(islice(lacking, _PAIRS_AT_ONCE)):
            rows = list(chain.from_iterable(pairs[index] for index in some))
            sums = [float(each.double().sum()) for each in self._policy.logprobs(rows, reference=not is_start)]
            known |= {names[index]: (sums[2 * place], sums[2 * place + 1]) for place, index in enumerate(some)}
            self._write(known)
        return {index: known[name] for index, name in names.items()}

    def _read(self) -> dict[str, tuple[float, float]]:
        from safetensors import safe_open

        if not self._path.exists():
            return {}
        try:
            with safe_open(self._path, framework="pt") as file:
                names = json.loads(file.metadata()["pairs"])
                values = file.get_tensor("logprobs").tolist()
            return {name: (better, worse) for name, (better, worse) in zip(names, values, strict=True)}
        except Exception as error:  # safetensors raises its own
            raise HerlError(
                f"{self._path} cannot be read: {first_line(error)}", "Delete it: what it held is found again."
            ) from None

    def _write(self, known: Mapping[str, tuple[float, float]]) -> None:
        import torch
        from safetensors.torch import save

        tensors = {"logprobs": torch.tensor(list(known.values()), dtype=torch.float64)}
        write_atomically(self._path, save(tensors, metadata={"pairs": json.dumps(list(known))}))


def _name(fingerprint: str, pair: tuple[Sequence_, Sequence_]) -> str:
    """What decides a pair's log-probabilities, in 64 hex digits."""
    return hashlib.sha256(json.dumps([fingerprint, pair]).encode()).hexdigest()
