"""What this machine offers: device, number type, threads. Looks without importing torch, so it costs nothing."""

from __future__ import annotations

import ctypes
import os
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from herl.errors import UsageError, nearest

_CGROUP = Path("/sys/fs/cgroup")
_DEVICES = ["auto", "cpu", "cuda"]


@dataclass(frozen=True, slots=True)
class Gpu:
    """One NVIDIA GPU.

    Args:
        name: As the driver calls it.
        memory: Bytes in all.
        capability: Compute capability, such as (9, 0).
    """

    name: str
    memory: int
    capability: tuple[int, int]


def pick_device(wanted: str) -> str:
    """The device to run on.

    Args:
        wanted: "auto", "cpu" or "cuda".

    Returns:
        "cpu" or "cuda"; "auto" takes the GPU when there is a usable one.

    Raises:
        UsageError: CUDA was asked for and cannot be had (the reason is named), or there is no such device.
    """
    if wanted not in _DEVICES:
        raise UsageError(f"unknown device '{wanted}'", nearest(wanted, _DEVICES))
    if wanted == "cpu":
        return "cpu"
    trouble = cuda_trouble()
    if trouble and wanted == "cuda":
        raise UsageError(f"device 'cuda' cannot be used: {trouble}", "Leave --device out to run on the CPU.")
    return "cpu" if trouble else "cuda"


def pick_dtype(device: str) -> str:
    """The number type that is quick on a device.

    bfloat16 needs hardware for it: on a CPU without (AVX2, plain AVX-512) it was measured many times slower
    than float32, so there it is float32.

    Args:
        device: "cpu" or "cuda".

    Returns:
        "float32", "bfloat16" or "float16".
    """
    if device == "cuda":
        return "bfloat16" if all(gpu.capability >= (8, 0) for gpu in gpus()) else "float16"
    return "bfloat16" if cpu_flags() & {"amx_bf16", "avx512_bf16"} else "float32"


def cuda_trouble() -> str:
    """Why CUDA cannot be used here; "" when it can."""
    if not torch_is_installed():
        return "torch is not installed"
    if not torch_cuda():
        return "the installed torch is a CPU-only build"
    if not gpus():
        return "no NVIDIA GPU is visible (no driver, or CUDA_VISIBLE_DEVICES hides it)"
    return ""


def torch_is_installed() -> bool:
    """Whether torch could be imported."""
    return find_spec("torch") is not None


@cache
def torch_cuda() -> str | None:
    """The CUDA version that the installed torch was built for; None for a CPU build or without torch."""
    spec = find_spec("torch")
    if spec is None or spec.origin is None:
        return None
    # Importing torch takes seconds; its version file is a handful of assignments.
    from importlib.util import module_from_spec, spec_from_file_location

    version = spec_from_file_location("_torch_version", Path(spec.origin).with_name("version.py"))
    if version is None or version.loader is None:
        return None
    module = module_from_spec(version)
    version.loader.exec_module(module)
    return getattr(module, "cuda", None)


@cache
def gpus() -> tuple[Gpu, ...]:
    """The NVIDIA GPUs of this machine; () without a driver, or when CUDA_VISIBLE_DEVICES hides all.

    Asks NVML, not CUDA: a process that has initialised CUDA can no longer fork workers that use it.
    """
    if os.environ.get("CUDA_VISIBLE_DEVICES", "all").strip() in ("", "-1"):
        return ()
    try:
        nvml = ctypes.CDLL("libnvidia-ml.so.1")
    except OSError:
        return ()
    if nvml.nvmlInit_v2() != 0:
        return ()
    try:
        count = ctypes.c_uint()
        if nvml.nvmlDeviceGetCount_v2(ctypes.byref(count)) != 0:
            return ()
        return tuple(_describe_gpu(nvml, index) for index in range(count.value))
    finally:
        nvml.nvmlShutdown()


class _NvmlMemory(ctypes.Structure):
    _fields_ = (("total", ctypes.c_ulonglong), ("free", ctypes.c_ulonglong), ("used", ctypes.c_ulonglong))


def _describe_gpu(nvml: ctypes.CDLL, index: int) -> Gpu:
    handle, name, memory = ctypes.c_void_p(), ctypes.create_string_buffer(96), _NvmlMemory()
    major, minor = ctypes.c_int(), ctypes.c_int()
    nvml.nvmlDeviceGetHandleByIndex_v2(ctypes.c_uint(index), ctypes.byref(handle))
    nvml.nvmlDeviceGetName(handle, name, ctypes.c_uint(len(name)))
    nvml.nvmlDeviceGetMemoryInfo(handle, ctypes.byref(memory))
    nvml.nvmlDeviceGetCudaComputeCapability(handle, ctypes.byref(major), ctypes.byref(minor))
    return Gpu(name.value.decode(errors="replace"), memory.total, (major.value, minor.value))


@cache
def cpu_flags() -> frozenset[str]:
    """The CPU's instruction set extensions, as Linux names them; empty where it does not say."""
    return frozenset(_cpuinfo("flags").split())


def cpu_name() -> str:
    """The CPU's name."""
    import platform

    return _cpuinfo("model name") or platform.machine()


def _cpuinfo(key: str) -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(key)), "")


def threads() -> int:
    """How many threads can really run at once: the cores we may use, cut to the container's share."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _cgroup_cores()
    return max(1, min(cores, int(quota + 0.5))) if quota else cores


def prepare_threads() -> None:
    """Set up OpenMP for a CPU engine, before torch is imported; what the user has set stays.

    Idle threads sleep instead of spinning: beside other work on the same cores, spinning was measured to slow
    down both engines up to tenfold, for no gain alone.
    """
    os.environ.setdefault("OMP_NUM_THREADS", str(threads()))
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def _cgroup_cores() -> float | None:
    try:
        quota, _, period = (_CGROUP / "cpu.max").read_text().partition(" ")
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError):
        return None


def memory() -> int:
    """Bytes of memory that this process may use: the machine's, or the container's when that is less."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        return min(total, int((_CGROUP / "memory.max").read_text()))
    except (OSError, ValueError):
        return total
