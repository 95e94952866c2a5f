"""What a service, or what lies before it, can do wrong; and the means to let it."""

import pytest

pytest.register_assert_rewrite("tests.integration.faults.matrix")
