"""vLLM and transformers answer with the demo model: the same greedy texts, seeds that ignore batching, streaming."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from herl.engine import open_engine, pick_kind
from herl.engine.base import Engine, EngineOptions, Request
from herl.engine.demo import find_demo
from herl.engine.vllm import VLLMEngine
from herl.engine.weights import file_digest, find_weights
from herl.errors import UsageError
from herl.item import Completion, Message, Sampling

pytestmark = pytest.mark.engine

FLOAT32 = {"dtype": "float32"}  # the two engines can agree to the token only in full precision
YES_OR_NO = json.dumps(
    {
        "type": "object",
        "properties": {"answer": {"enum": ["yes", "no"]}},
        "required": ["answer"],
        "additionalProperties": False,
    }
)
SHORT = [
    "What is the capital of France?",
    "What is 2 plus 2?",
    "Name three colours.",
    "Write a sentence about the sea.",
    "Say hello in Spanish.",
]


def ask(text: str, name: str = "q", **sampling: Any) -> Request:
    return Request(name, 0, (Message("user", text),), Sampling(**{"max_tokens": 24, **sampling}))


def resident() -> int:
    """Bytes of memory that this process holds."""
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def answers(engine: Engine, requests: list[Request]) -> dict[str, Completion]:
    found = {}
    for answer in engine.generate(requests):
        assert isinstance(answer.result, Completion)
        found[answer.request.item_id] = answer.result
    assert set(found) == {request.item_id for request in requests}
    return found


def test_both_engines_give_the_same_greedy_answers(vllm: Engine, transformers: Engine) -> None:
    requests = [ask(text, name=text) for text in SHORT]
    ours, theirs = answers(vllm, requests), answers(transformers, requests)
    for text in SHORT:
        assert ours[text].prompt_ids == theirs[text].prompt_ids
        assert ours[text].token_ids == theirs[text].token_ids
        assert (ours[text].text, ours[text].finish_reason) == (theirs[text].text, theirs[text].finish_reason)
    assert "Paris" in ours[SHORT[0]].text


def test_an_answer_that_ends_by_itself_says_so_and_counts_its_tokens(engine: Engine) -> None:
    (answer,) = answers(engine, [ask(SHORT[0])]).values()
    assert answer.finish_reason == "stop"
    assert answer.text == "The capital of France is Paris."
    assert answer.prompt_ids is not None and answer.token_ids is not None
    assert answer.usage.prompt_tokens == len(answer.prompt_ids) > 10
    assert answer.usage.completion_tokens == len(answer.token_ids) == 8  # the end token is one that was sampled
    assert answer.model == "demo"


def test_a_seed_gives_the_same_answer_alone_and_in_any_batch(engine: Engine) -> None:
    batch = [ask("Tell me something surprising.", name=f"{seed}", temperature=1.0, seed=seed) for seed in range(8)]
    together = answers(engine, batch)
    backwards = answers(engine, batch[::-1])
    alone = answers(engine, batch[5:6])
    assert {name: answer.token_ids for name, answer in together.items()} == {
        name: answer.token_ids for name, answer in backwards.items()
    }
    assert alone["5"].token_ids == together["5"].token_ids
    assert len({answer.text for answer in together.values()}) > 4, "different seeds must draw different answers"


def test_sampling_from_one_token_is_greedy(engine: Engine) -> None:
    ways: list[dict[str, Any]] = [{}, {"temperature": 1.0, "top_k": 1}, {"temperature": 1.0, "top_p": 1e-6}]
    greedy, by_k, by_p = (answers(engine, [ask(SHORT[2], **way)])["q"].token_ids for way in ways)
    assert greedy == by_k == by_p


def test_a_short_answer_arrives_while_a_long_one_is_still_being_written(vllm: Engine) -> None:
    stream = vllm.generate([ask("Write a long story about a dog.", "long", max_tokens=4000), ask(SHORT[0], "short")])
    assert next(stream).request.item_id == "short"
    stream.close()


def test_no_prompt_is_read_in_chunks_on_a_cpu(vllm: Engine) -> None:
    # A chunk of a prompt ends with a draw too early, which vLLM cannot take back from a CPU's generator: it breaks off.
    # To see that takes 8,192 tokens of prompts, half a minute here.
    list(vllm.generate([Request("hello", 0, (Message("user", "Say hello."),), Sampling(max_tokens=1))]))
    assert isinstance(vllm, VLLMEngine)
    assert not vllm._llm.llm_engine.vllm_config.scheduler_config.enable_chunked_prefill


def test_an_answer_longer_than_allowed_is_cut_and_says_so(engine: Engine) -> None:
    (answer,) = answers(engine, [ask("Write a long story about a dog.", max_tokens=5)]).values()
    assert answer.finish_reason == "length"
    assert answer.token_ids is not None and len(answer.token_ids) == 5


def test_each_request_of_a_batch_keeps_its_own_limit_and_stop_strings(engine: Engine) -> None:
    requests = [
        ask(SHORT[0], "free"),
        ask(SHORT[0], "stopped", stop=("France", "xyz")),
        ask(SHORT[0], "cut", max_tokens=3),
    ]
    found = answers(engine, requests)
    assert found["free"].text == "The capital of France is Paris."
    assert (found["stopped"].text, found["stopped"].finish_reason) == ("The capital of ", "stop")
    assert (found["cut"].text, found["cut"].finish_reason) == ("The capital of", "length")


def test_a_prompt_longer_than_the_context_is_an_error_and_the_others_are_answered(engine: Engine) -> None:
    found = answers(engine, [ask("word " * 9000, "long"), ask(SHORT[0], "short")])
    assert found["long"].finish_reason == "error"
    assert found["long"].error == "the prompt has 9031 tokens, the model's context is 8192"
    assert found["long"].text == "" and found["long"].token_ids is None
    assert found["short"].finish_reason == "stop"


def test_no_requests_give_no_answers(engine: Engine) -> None:
    assert list(engine.generate([])) == []


def test_abandoned_answers_are_forgotten(engine: Engine) -> None:
    stream = engine.generate([ask(SHORT[0], "first"), ask("Count to a hundred.", "second", max_tokens=40)])
    next(stream)
    stream.close()
    assert answers(engine, [ask(SHORT[0], "third")])["third"].text == "The capital of France is Paris."


def test_a_vllm_answer_follows_its_schema_and_the_others_of_the_batch_are_free(vllm: Engine) -> None:
    found = answers(vllm, [ask(SHORT[0], "held", max_tokens=100, schema=YES_OR_NO), ask(SHORT[0], "free")])
    assert set(json.loads(found["held"].text)) == {"answer"}
    assert found["held"].finish_reason == "stop"
    assert found["free"].text == "The capital of France is Paris."


def test_a_model_that_thinks_does_so_before_an_answer_that_follows_its_schema(
    vllm: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokenizer: Any = vars(vllm)["_tokenizer"]
    monkeypatch.setattr(tokenizer, "chat_template", tokenizer.chat_template + "{# knows </think> #}")
    (answer,) = answers(vllm, [ask("Repeat exactly: <think>fine</think>", max_tokens=100, schema=YES_OR_NO)]).values()
    assert answer.thinking == "fine"
    assert set(json.loads(answer.text)) == {"answer"}


def test_ctrl_c_in_the_middle_frees_the_memory_for_another_engine_and_the_first_answers_again(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VLLM_CPU_KVCACHE_SPACE", "1")  # GiB, so that loading twice is quick
    interrupt = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        interrupt.start()
        list(
            engine.generate(
                [ask("Write a long story.", temperature=1.0, seed=seed, max_tokens=8000) for seed in (1, 2)]
            )
        )
    engine.close()
    before = resident()
    kind = type(engine).__name__.removesuffix("Engine").lower()
    with open_engine("demo", EngineOptions(engine=kind, device="cpu", extra=FLOAT32)) as other:
        assert answers(other, [ask(SHORT[0])])["q"].text == "The capital of France is Paris."
        loaded = resident()
    assert loaded - before > 400 * 2**20, "the weights alone are 538 MB"
    assert resident() - before < 0.2 * (loaded - before)
    assert answers(engine, [ask(SHORT[0])])["q"].text == "The capital of France is Paris."


@pytest.fixture
def demo_copy(tmp_path: Path) -> Path:
    """The demo model's folder, its weights linked and the rest copied, to be changed by a test."""
    original = Path(find_demo().locate())
    for file in original.iterdir():
        if file.suffix == ".safetensors":
            (tmp_path / file.name).symlink_to(file)
        else:
            shutil.copy(file, tmp_path)
    return tmp_path


def test_a_model_without_a_chat_template_is_refused_before_its_weights_are_loaded(demo_copy: Path) -> None:
    (demo_copy / "chat_template.jinja").unlink()
    (demo_copy / "model.safetensors").unlink()
    with pytest.raises(UsageError, match="has no chat template") as caught:
        list(open_engine(str(demo_copy), EngineOptions(engine="transformers")).generate([ask("hi")]))
    assert "instruct model" in caught.value.hint


def test_a_conversation_that_the_template_refuses_is_an_error_of_that_request_only(demo_copy: Path) -> None:
    template = demo_copy / "chat_template.jinja"
    refusing = "{% if 'secret' in messages[0].content %}{{ raise_exception('no secrets') }}{% endif %}"
    template.write_text(refusing + template.read_text())
    with open_engine(str(demo_copy), EngineOptions(engine="transformers", device="cpu", extra=FLOAT32)) as engine:
        found = answers(engine, [ask("secret", "refused"), ask(SHORT[0], "answered")])
    assert "no secrets" in found["refused"].error
    assert "Paris" in found["answered"].text


def test_the_answer_to_a_prompt_that_opens_a_thinking_block_is_truncated_while_the_block_is_open(
    demo_copy: Path,
) -> None:
    template = demo_copy / "chat_template.jinja"
    template.write_text(template.read_text() + "{% if add_generation_prompt %}{{ '<think>\\n' }}{% endif %}")
    with open_engine(str(demo_copy), EngineOptions(engine="transformers", device="cpu", extra=FLOAT32)) as engine:
        (answer,) = answers(engine, [ask(SHORT[0])]).values()
    assert (answer.text, answer.finish_reason) == ("", "length")
    assert answer.thinking


def test_an_answer_gets_no_more_tokens_than_the_context_has_left(demo_copy: Path) -> None:
    config = json.loads((demo_copy / "config.json").read_text())
    (demo_copy / "config.json").write_text(json.dumps({**config, "max_position_embeddings": 48}))
    with open_engine(str(demo_copy), EngineOptions(engine="transformers", device="cpu", extra=FLOAT32)) as engine:
        (answer,) = answers(engine, [ask("Write a long story about a dog.", max_tokens=100)]).values()
    assert answer.finish_reason == "length"
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (38, 10)


def test_settings_go_to_the_engine_and_unknown_ones_are_refused() -> None:
    for kind in ("vllm", "transformers"):
        with pytest.raises(UsageError, match="tensor_paralel_size"):
            list(open_engine("demo", EngineOptions(engine=kind, extra={"tensor_paralel_size": 2})).generate([]))


@pytest.mark.parametrize(
    ("model", "options", "words"),
    [
        ("dmo", EngineOptions(), "unknown model 'dmo'"),
        ("./no/such/folder", EngineOptions(), "does not exist"),
        (str(Path(__file__).parent), EngineOptions(), "no config.json"),
        ("demo", EngineOptions(engine="vlm"), "unknown engine 'vlm'"),
        ("demo", EngineOptions(device="gpu"), "unknown device 'gpu'"),
        ("demo", EngineOptions(extra={"dtype": "float31"}), "unknown dtype 'float31'"),
    ],
)
def test_what_cannot_be_opened_is_refused_at_once(model: str, options: EngineOptions, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        open_engine(model, options)
    assert caught.value.exit_code == 2


def test_vllm_is_taken_before_transformers() -> None:
    assert pick_kind(EngineOptions()) == "vllm"
    assert pick_kind(EngineOptions(engine="transformers")) == "transformers"


def test_opening_the_demo_model_imports_no_engine() -> None:
    code = """
import json, sys
from herl.engine import open_engine
from herl.engine.base import EngineOptions
engine = open_engine("demo", EngineOptions())
heavy = [name for name in ("torch", "vllm", "transformers", "datasets", "numpy") if name in sys.modules]
print(json.dumps([engine.fingerprint, heavy]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    fingerprint, heavy = json.loads(done.stdout)
    assert heavy == []
    assert fingerprint.startswith("vllm/")


def test_the_fingerprint_tells_engines_settings_and_number_types_apart() -> None:
    opened = [
        open_engine("demo", EngineOptions(engine=kind, extra=extra))
        for kind in ("vllm", "transformers")
        for extra in ({}, {"dtype": "float16"}, {"max_model_len": 512})
    ]
    assert len({engine.fingerprint for engine in opened}) == len(opened)


def test_the_digest_of_a_folder_follows_weights_and_template_and_nothing_else(demo_copy: Path) -> None:
    def digest() -> str:
        return find_weights(str(demo_copy)).digest

    before = digest()
    (demo_copy / "trainer_state.json").write_text("{}")
    (demo_copy / "README.md").write_text("about")
    assert digest() == before
    (demo_copy / "chat_template.jinja").write_text("{{ messages }}")
    changed = digest()
    assert changed != before
    weights = bytearray((demo_copy / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (demo_copy / "model.safetensors").unlink()
    (demo_copy / "model.safetensors").write_bytes(weights)
    assert digest() not in (before, changed)


def test_a_file_whose_name_is_not_utf8_has_a_digest(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"\xff.bin")
    path.write_bytes(b"weights")
    assert file_digest(path) == hashlib.sha256(b"weights").hexdigest()


def test_a_hub_model_in_the_hubs_cache_needs_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    commit = "0123456789abcdef0123456789abcdef01234567"
    entry = tmp_path / "models--acme--tiny"
    snapshot = entry / "snapshots" / commit
    snapshot.parent.mkdir(parents=True)
    snapshot.symlink_to(find_demo().locate())
    (entry / "refs").mkdir()
    (entry / "refs" / "main").write_text(commit)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)

    found = find_weights("acme/tiny")
    assert found.digest == f"acme/tiny@{commit}"
    assert Path(found.locate()) == snapshot
    with pytest.raises(UsageError, match="no folder acme/other, and the hub cannot be asked"):
        find_weights("acme/other")
