"""Packs sequences into forward passes without padding, each prompt once for all its responses.

A pack is one long sequence. In it a prompt is followed by its responses, then comes the next prompt. A token sees
what comes before it in its own response, and its own prompt, and nothing else: a tree, not a line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from herl.train.policy import Sequence_


@dataclass(frozen=True, slots=True)
class Pack:
    """Rows that go through the model together.

    Args:
        rows: Their numbers in the batch, rows of the same prompt side by side.
        tokens: The length of the packed sequence.
    """

    rows: tuple[int, ...]
    tokens: int


@dataclass(frozen=True, slots=True)
class Layout:
    """A pack as the model reads it.

    Args:
        ids: Token ids, `[1, time]`.
        positions: Of each token in its own row, `[1, time]`.
        segments: Which stretch of the pack each token is of, `[time]`.
        trunks: Which stretch is its prompt, `[time]`.
        sources: Where the hidden state stands that predicts each trained token, `[trained]`.
        targets: Which token it is, `[trained]`.
        row: Of which row of the batch, `[trained]`.
        time: At which place of its response, from 0, `[trained]`.
        trees: Lengths of stretches: of each prompt, then of what is read of each of its responses. A single response
            makes one stretch with its prompt.
    """

    ids: torch.Tensor
    positions: torch.Tensor
    segments: torch.Tensor
    trunks: torch.Tensor
    sources: torch.Tensor
    targets: torch.Tensor
    row: torch.Tensor
    time: torch.Tensor
    trees: tuple[tuple[int, ...], ...]

    def mask(self, window: int | None = None) -> torch.Tensor:
        """Which token sees which, bool, `[1, 1, time, time]`.

        Args:
            window: How far a layer sees, itself included; None for as far as there is anything.
        """
        segments, trunks, positions = self.segments, self.trunks, self.positions[0]
        own = segments[:, None] == segments[None, :]
        own |= trunks[:, None] == segments[None, :]
        if window is not None:
            own &= positions[:, None] - positions[None, :] < window
        return own.tril_()[None, None]


def pack(rows: Sequence[Sequence_], budget: int, together: Sequence[Sequence[int]] | None = None) -> Sequence[Pack]:
    """Share rows out among packs, so that few tokens are read twice and packs are full.

    Args:
        rows: The batch; rows without a response are left out.
        budget: Tokens of a pack. What is longer by itself is a pack by itself.
        together: Numbers of rows that must be in one pack.

    Returns:
        Packs, the longest first. The same rows in the same order make the same packs.
    """
    packs: list[Pack] = []
    for piece in sorted(_pieces(rows, budget, _units(rows, together or [])), key=lambda piece: -piece.tokens):
        for at, other in enumerate(packs):
            joined = other.rows + piece.rows
            if _tokens(rows, joined) <= budget:
                packs[at] = _piece(rows, joined)
                break
        else:
            packs.append(piece)
    return packs


def _units(rows: Sequence[Sequence_], together: Sequence[Sequence[int]]) -> list[tuple[int, ...]]:
    """What cannot be divided: rows that must be together, and every other row."""
    bound = {row for unit in together for row in unit}
    units = [tuple(unit) for unit in together] + [(row,) for row in range(len(rows)) if row not in bound]
    trained = [tuple(row for row in unit if rows[row][1]) for unit in units]
    return [unit for unit in trained if unit]


def _pieces(rows: Sequence[Sequence_], budget: int, units: Sequence[tuple[int, ...]]) -> list[Pack]:
    """Units of the same prompts, as many as the budget holds."""
    by_prompts: dict[tuple[tuple[int, ...], ...], list[tuple[int, ...]]] = {}
    for unit in sorted(units):
        by_prompts.setdefault(tuple(sorted({rows[row][0] for row in unit})), []).append(unit)
    pieces: list[Pack] = []
    for same in by_prompts.values():
        piece: tuple[int, ...] = ()
        for unit in same:
            if piece and _tokens(rows, piece + unit) > budget:
                pieces.append(_piece(rows, piece))
                piece = ()
            piece += unit
        pieces.append(_piece(rows, piece))
    return pieces


def _piece(rows: Sequence[Sequence_], piece: tuple[int, ...]) -> Pack:
    first = {rows[row][0]: at for at, row in reversed(list(enumerate(piece)))}
    return Pack(tuple(sorted(piece, key=lambda row: (first[rows[row][0]], row))), _tokens(rows, piece))


def _tokens(rows: Sequence[Sequence_], numbers: Sequence[int]) -> int:
    """Of a pack of these rows; nothing is predicted from a response's last token, so it is not read."""
    prompts = {rows[row][0] for row in numbers}
    return sum(map(len, prompts)) + sum(len(rows[row][1]) - 1 for row in numbers)


def lay_out(rows: Sequence[Sequence_], packed: Pack, device: str) -> Layout:
    """Write a pack out.

    Args:
        rows: The batch.
        packed: Which of its rows.
        device: Where the tensors are made.
    """
    import torch

    ids: list[int] = []
    positions: list[int] = []
    segments: list[int] = []
    trunks: list[int] = []
    trained: list[tuple[int, int, int, int]] = []
    trees: list[tuple[int, ...]] = []
    stretch = 0
    for prompt, numbers in groupby(packed.rows, key=lambda number: rows[number][0]):
        trunk, end = stretch, len(ids) + len(prompt) - 1
        ids += prompt
        positions += range(len(prompt))
        segments += [trunk] * len(prompt)
        trunks += [trunk] * len(prompt)
        branches = []
        for number in numbers:
            response = rows[number][1]
            read = len(response) - 1
            branches.append(read)
            stretch += 1
            sources = [end, *range(len(ids), len(ids) + read)]
            trained += zip(sources, response, [number] * len(response), range(len(response)), strict=True)
            ids += response[:-1]
            positions += range(len(prompt), len(prompt) + read)
            segments += [stretch] * read
            trunks += [trunk] * read
        stretch += 1
        trees.append(_tree(len(prompt), branches))

    def made(values: Sequence[int]) -> torch.Tensor:
        return torch.tensor(values, dtype=torch.int64, device=device)

    source, target, row, time = (made(column) for column in zip(*trained, strict=True))
    return Layout(
        ids=made(ids)[None],
        positions=made(positions)[None],
        segments=made(segments),
        trunks=made(trunks),
        sources=source,
        targets=target,
        row=row,
        time=time,
        trees=tuple(trees),
    )


def _tree(trunk: int, branches: Sequence[int]) -> tuple[int, ...]:
    read = [branch for branch in branches if branch]
    return (trunk + read[0],) if len(read) == 1 else (trunk, *read)
