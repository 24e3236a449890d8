from __future__ import annotations

import pytest

from worker.tools.builtin.calculator import calculator


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("(17 + 4) * 2.5", "52.5"),
        ("2**100", "1267650600228229401496703205376"),
        ("10^3", "1000"),
        ("-7 // 2", "-4"),
        ("sqrt(2) * sqrt(2)", "2.0000000000000004"),
        (" floor(pi) ", "3"),
    ],
)
def test_it_reckons(expression: str, result: str) -> None:
    assert calculator(expression) == result


REFUSED = """
1/0
9**9**9
1e308*10
(-8)**0.5
True+1
'a'*9
__import__('os')
(1).real
x
sqrt(1, 2)
[1]
10**400*1.5
log(0)
round(1e400)
""".splitlines()


@pytest.mark.parametrize("expression", [*REFUSED, "(" * 900, "1" * 1001])
def test_what_is_no_arithmetic_or_never_ends_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        calculator(expression)
