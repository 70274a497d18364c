"""Set-up of the tests that load models."""

from __future__ import annotations

from herl.engine import hardware

# Before any test imports torch: afterwards OpenMP no longer looks at its settings, and tests that share the
# cores with other work would take ten times as long.
hardware.prepare_threads()
