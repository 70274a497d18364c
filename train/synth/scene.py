"""What a prompt is about: fields, their topics, and tasks that make sense for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from herl.train.synth import topics_making, topics_world
from herl.train.synth.tasks import TASKS, Task

Split = Literal["train", "held-out"]

_EVERY = 5
"""One topic of so many is held out, in every field."""


@dataclass(frozen=True, slots=True)
class Topic:
    """Something to write about.

    Args:
        name: As it stands in a sentence: singular, with its article if any.
        field: Where it belongs, such as "cooking".
        words: Nouns that have to do with it; "the" may stand before each.
        is_doing: It is something that people do, so that tips and plans for it make sense.
    """

    name: str
    field: str
    words: tuple[str, ...]
    is_doing: bool


@dataclass(frozen=True, slots=True)
class Scene:
    """A task about a topic.

    Args:
        task: What kind of text is wanted.
        topic: What it is about.
        request: The task in words, without any constraint.
    """

    task: Task
    topic: Topic
    request: str


_FIELDS: Mapping[str, tuple[str, bool]] = {
    "cooking": (topics_making.COOKING, True),
    "gardening": (topics_making.GARDENING, True),
    "crafts": (topics_making.CRAFTS, True),
    "sports": (topics_making.SPORTS, True),
    "study": (topics_making.STUDY, True),
    "travel": (topics_making.TRAVEL, True),
    "home": (topics_making.HOME, True),
    "health": (topics_world.HEALTH, True),
    "community": (topics_world.COMMUNITY, True),
    "science": (topics_world.SCIENCE, False),
    "nature": (topics_world.NATURE, False),
    "animals": (topics_world.ANIMALS, False),
    "history": (topics_world.HISTORY, False),
    "technology": (topics_world.TECHNOLOGY, False),
}


@cache
def topics(split: Split) -> Sequence[Topic]:
    """The topics of a split; none is in both."""
    is_held_out = split == "held-out"
    found = []
    for field, (text, is_doing) in _FIELDS.items():
        entries = [entry for line in text.strip().splitlines() for entry in line.split(";")]
        for number, entry in enumerate(entries):
            if (number % _EVERY == _EVERY - 1) == is_held_out:
                name, words = entry.split("=")
                found.append(Topic(name.strip(), field, tuple(word.strip() for word in words.split(",")), is_doing))
    return found


def tasks_for(topic: Topic) -> Sequence[Task]:
    """The tasks that make sense for a topic."""
    return [task for task in TASKS if topic.is_doing or not task.needs_doing]
