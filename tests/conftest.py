"""How hard hypothesis looks, and which helpers tell what they compared.

HYPOTHESIS_PROFILE names the profile.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

pytest.register_assert_rewrite("tests.waiting", "tests.e2e.dashboard", "tests.e2e.small_site")

settings.register_profile("default", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
# Inside Pyodide everything is several times slower, and the repository is read-only.
settings.register_profile(
    "pyodide",
    deadline=None,
    derandomize=True,
    max_examples=15,
    stateful_step_count=20,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))
