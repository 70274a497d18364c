"""The demo model's conversion: checked against the GGUF, whole or not there at all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from herl.engine import demo
from herl.errors import HerlError

pytestmark = pytest.mark.engine

Tensors = list[tuple[str, Any]]


@pytest.fixture(scope="session")
def gguf() -> Path:
    found = demo.packaged_gguf()
    if found is None:
        pytest.skip(f"{demo.PACKAGE} is not installed")
    return found


@pytest.fixture(scope="session")
def folder(gguf: Path) -> Path:
    return demo.converted(gguf)


@pytest.fixture(scope="session")
def tensors(gguf: Path) -> Tensors:
    return list(demo.gguf_tensors(gguf))


@pytest.fixture(scope="session")
def tokenizer(folder: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder)


def test_every_converted_tensor_equals_the_ggufs_own(folder: Path, tensors: Tensors) -> None:
    assert sum(values.size for _, values in tensors) == 134_515_008
    demo.verify(folder, tensors)


@pytest.mark.parametrize("damage", ["changed", "missing", "added", "rows swapped"])
def test_a_conversion_that_differs_is_refused(folder: Path, tensors: Tensors, tmp_path: Path, damage: str) -> None:
    from safetensors.numpy import load_file, save_file

    saved = load_file(folder / "model.safetensors")
    name = "model.layers.0.self_attn.k_proj.weight"
    if damage == "changed":
        saved[name][0, 0] += 1e-6
    elif damage == "missing":
        del saved[name]
    elif damage == "added":
        saved["model.extra.weight"] = saved[name]
    else:  # what forgetting llama.cpp's order of rows would do
        saved[name] = saved[name][[1, 0, *range(2, len(saved[name]))]]
    save_file(saved, tmp_path / "model.safetensors")
    with pytest.raises(HerlError, match=r"extra" if damage == "added" else r"layers\.0\.self_attn\.k_proj"):
        demo.verify(tmp_path, tensors)


def test_a_killed_conversion_leaves_nothing_that_looks_usable(gguf: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "HERL_CACHE": str(tmp_path)}
    code = "from herl.engine.demo import find_demo; find_demo().locate()"
    process = subprocess.Popen([sys.executable, "-c", code], env=environment)
    try:
        while not list(tmp_path.glob("models/.*.partial/tokenizer.json")):
            assert process.poll() is None, "the conversion ended before it could be killed"
            time.sleep(0.02)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert [path.name for path in (tmp_path / "models").iterdir() if not path.name.startswith(".")] == []


def test_what_a_killed_conversion_left_is_cleared_and_two_processes_wait_for_one(
    gguf: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HERL_CACHE", str(tmp_path))
    target = demo.converted_folder(gguf)
    leftover = target.with_name(f".{target.name}.partial")
    leftover.mkdir(parents=True)
    (leftover / "half").write_text("of a model")
    converted = []

    def convert(source: Path, partial: Path) -> None:
        converted.append(partial)
        assert not partial.exists()
        partial.mkdir()
        for file in folder.iterdir():
            (partial / file.name).symlink_to(file)
        # A second process that comes now waits for the lock, and then finds the model.
        code = "from herl.engine.demo import packaged_gguf, converted; print(converted(packaged_gguf()))"
        others.append(subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True))

    others: list[subprocess.Popen[str]] = []
    monkeypatch.setattr(demo, "_convert", convert)
    assert demo.converted(gguf) == target
    assert demo.converted(gguf) == target
    assert len(converted) == 1
    assert others[0].communicate()[0].strip() == str(target)
    assert not leftover.exists()


def test_the_prompt_is_chatml_with_the_models_own_system_message(tokenizer: Any) -> None:
    prompt = tokenizer.apply_chat_template(
        [{"role": "user", "content": "Hi"}], tokenize=False, add_generation_prompt=True
    )
    assert prompt == (
        "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
        "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
    )


def test_a_system_message_of_the_user_replaces_the_models_own(tokenizer: Any) -> None:
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]
    prompt = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    assert prompt.startswith("<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n")


def test_turns_end_with_the_token_that_ends_an_answer(tokenizer: Any) -> None:
    assert (tokenizer.bos_token, tokenizer.eos_token) == ("<|im_start|>", "<|im_end|>")
    assert tokenizer("<|im_start|><|im_end|>")["input_ids"] == [1, 2]


def test_digits_stand_alone_as_in_training(tokenizer: Any) -> None:
    assert tokenizer.tokenize("a   42") == ["a", "ĠĠĠ", "4", "2"]


def test_text_survives_the_tokenizer(tokenizer: Any) -> None:
    words = "Größe: 3,5 m² — naïve 日本語 😊\n\tdone ."
    ids = tokenizer(words)["input_ids"]
    assert tokenizer.decode(ids, clean_up_tokenization_spaces=False) == words


def test_a_cache_that_cannot_be_made_is_named(gguf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HERL_CACHE", str(tmp_path / "file"))
    with pytest.raises(HerlError, match="cannot write"):
        demo.find_demo().locate()
