"""Kinds of texts that prompts ask for, each in several wordings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Task:
    """A kind of text.

    Args:
        name: What it is called in tags.
        genre: The key of `herl.train.synth.sentences.BANKS` whose sentences fit it.
        requests: Ways to ask for it, with `{t}` for the topic; without commas, so that they may be repeated.
        needs_doing: It makes sense only for what people do.
        is_question: It can be answered with yes, no or maybe.
    """

    name: str
    genre: str
    requests: tuple[str, ...]
    needs_doing: bool = False
    is_question: bool = False


TASKS: Sequence[Task] = (
    Task(
        "explain",
        "prose",
        ("Explain {t} to a beginner.", "What should a beginner know about {t}?", "Explain {t} in simple terms."),
    ),
    Task(
        "explain to a child",
        "prose",
        ("Explain {t} to a child of eight.", "How would you explain {t} to a young child?"),
    ),
    Task(
        "summary",
        "prose",
        ("Write a short summary of what people should know about {t}.", "Sum up the essentials of {t}."),
    ),
    Task(
        "introduction",
        "prose",
        ("Write the opening of an article about {t}.", "Write an introduction to {t} for a school paper."),
    ),
    Task(
        "blog post",
        "prose",
        ("Write a post for a blog about {t}.", "Write a short post about {t} for a personal blog."),
    ),
    Task(
        "surprises",
        "prose",
        ("What might surprise people about {t}?", "Describe what people often get wrong about {t}."),
    ),
    Task(
        "lesson", "prose", ("Write the text of a short lesson about {t}.", "Prepare a few words about {t} for a class.")
    ),
    Task(
        "encyclopedia entry",
        "prose",
        ("Write an entry about {t} for a small encyclopedia.", "Write a brief entry on {t} for a guidebook."),
    ),
    Task(
        "tips",
        "advice",
        ("Give some tips for {t}.", "What advice would you give someone who is new to {t}?"),
        needs_doing=True,
    ),
    Task(
        "plan",
        "advice",
        ("Write a simple plan for {t}.", "Draw up a plan for someone who is interested in {t}."),
        needs_doing=True,
    ),
    Task(
        "mistakes",
        "advice",
        ("Which mistakes should a beginner avoid with {t}?", "Warn a beginner about common mistakes with {t}."),
        needs_doing=True,
    ),
    Task(
        "checklist", "advice", ("Write a checklist for {t}.", "What belongs on a checklist for {t}?"), needs_doing=True
    ),
    Task("study guide", "advice", ("Write a study guide on {t}.", "How could a student learn more about {t}?")),
    Task(
        "story",
        "story",
        (
            "Write a short story about {t}.",
            "Tell a story in which {t} plays a part.",
            "Write a brief tale that has to do with {t}.",
        ),
    ),
    Task(
        "mystery", "story", ("Write a short mystery about {t}.", "Write the beginning of a detective story about {t}.")
    ),
    Task("bedtime story", "story", ("Write a bedtime story about {t}.", "Tell a child a bedtime story about {t}.")),
    Task(
        "diary",
        "story",
        ("Write a page of a family diary about {t}.", "Write about a day on which {t} changed everything."),
    ),
    Task(
        "letter",
        "letter",
        ("Write a letter to a friend about {t}.", "Write a short letter to your grandparents about {t}."),
    ),
    Task(
        "email",
        "letter",
        ("Write an email to a cousin about {t}.", "Write a short email in which you tell a friend about {t}."),
    ),
    Task("postcard", "letter", ("Write a postcard that mentions {t}.", "Write the text of a postcard about {t}.")),
    Task(
        "dialogue",
        "talk",
        ("Write a dialogue between two friends about {t}.", "Write a conversation in which two people talk about {t}."),
    ),
    Task("interview", "talk", ("Write a short interview about {t}.", "Write part of a radio interview about {t}.")),
    Task(
        "play",
        "talk",
        ("Write a short scene for the stage about {t}.", "Write a scene in which two neighbors discuss {t}."),
    ),
    Task("poem", "poem", ("Write a poem about {t}.", "Compose a short poem about {t}.")),
    Task("song", "poem", ("Write the words of a song about {t}.", "Write a few lines of a song about {t}.")),
    Task("review", "opinion", ("Write a review of a book about {t}.", "Review a documentary about {t}.")),
    Task("opinion", "opinion", ("Write an opinion piece about {t}.", "Make a case for more interest in {t}.")),
    Task("speech", "opinion", ("Write a short speech about {t}.", "Write a speech about {t} for a school assembly.")),
    Task(
        "letter to the editor",
        "opinion",
        ("Write a letter to the editor about {t}.", "Write to a newspaper with your view of {t}."),
    ),
    Task(
        "announcement",
        "news",
        ("Announce a public evening about {t}.", "Write an announcement for an event about {t}."),
    ),
    Task(
        "advertisement",
        "news",
        ("Write an advertisement for an exhibition about {t}.", "Advertise a weekend course about {t}."),
    ),
    Task(
        "invitation",
        "news",
        ("Invite the neighbors to a talk about {t}.", "Write an invitation to a club that is all about {t}."),
    ),
    Task(
        "news report",
        "news",
        ("Write a local news report about an event on {t}.", "Report on a town festival that was all about {t}."),
    ),
    Task(
        "question",
        "opinion",
        (
            "Is {t} a topic that every school should teach?",
            "Should more people know about {t}?",
            "Would {t} make a fine subject for a film?",
        ),
        is_question=True,
    ),
)
"""All tasks."""
