"""A text's language is the same in every process and thread."""

from __future__ import annotations

import subprocess
import sys

from herl.benchmarks.ifeval.language import NAMES, profiles
from herl.benchmarks.ifeval.rows import criterion

# Short texts whose language langdetect, unseeded, decides now one way and now another.
SHAKY = ["OK", "NO", "etchings", "HELLO THERE", "lorem", "yes no", "menu", "DO IT NOW", "a la carte", "final"]

PRINT_LANGUAGES = "from herl.benchmarks.ifeval.language import detect\n"
IN_TURN = PRINT_LANGUAGES + f"print([detect(text) for text in {SHAKY!r}])"
AT_ONCE = PRINT_LANGUAGES + (
    "from concurrent.futures import ThreadPoolExecutor\n"
    "with ThreadPoolExecutor(8) as pool:\n"
    f"    print(list(pool.map(detect, {SHAKY!r})))"
)


def languages(script: str) -> str:
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout


def test_languages_are_the_same_in_every_process() -> None:
    first = languages(IN_TURN)
    assert first.count("'") == 2 * len(SHAKY)
    assert languages(IN_TURN) == first


def test_threads_that_begin_at_once_find_the_same_languages() -> None:
    """Upstream's first calls race for the profiles: a thread that loses finds no language at all."""
    assert languages(AT_ONCE) == languages(IN_TURN)


def test_the_users_own_langdetect_is_left_alone() -> None:
    script = "from langdetect import DetectorFactory, detector_factory as f; print(DetectorFactory.seed, f._factory)"
    assert languages(PRINT_LANGUAGES + "detect('one text')\n" + script) == "None None\n"


def test_every_language_that_can_be_found_has_a_name() -> None:
    assert set(NAMES) == set(profiles().get_lang_list())
    assert criterion(0, "language:response_language", {"language": "de"}).text == "The whole answer is in German"
    assert criterion(0, "language:response_language", {"language": "xx"}).text.endswith("the language xx")
