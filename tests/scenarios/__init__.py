import pytest

pytest.register_assert_rewrite(
    "tests.scenarios.customer",
    "tests.scenarios.golden",
    "tests.scenarios.product",
    "tests.scenarios.reckoning",
)
