"""Arithmetic, exact for whole numbers.

Pure. The rule: an expression is read by Python's own parser and reckoned by hand here, never evaluated; what could take
long or become large is refused before it is begun.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping

Number = int | float

LENGTH_MAX = 1_000
# Of a whole number: what is larger helps nobody, and powers of powers take for ever.
BITS_MAX = 4_096

_OPERATORS: Mapping[type[ast.operator], Callable[[Number, Number], Number]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_SIGNS: Mapping[type[ast.unaryop], Callable[[Number], Number]] = {ast.UAdd: operator.pos, ast.USub: operator.neg}
_FUNCTIONS: Mapping[str, Callable[[float], Number]] = {
    name: getattr(math, name) for name in ("sqrt", "exp", "log", "log2", "log10", "sin", "cos", "tan", "floor", "ceil")
} | {"abs": abs, "round": round}
_CONSTANTS: Mapping[str, float] = {"pi": math.pi, "e": math.e, "tau": math.tau}


def calculator(expression: str) -> str:
    """Works out an arithmetic expression.

    Knows + - * / // % ** (or ^), parentheses, pi, e, tau, and sqrt, exp, log, log2, log10, sin, cos, tan (in radians),
    floor, ceil, round, abs. Whole numbers are exact.

    Args:
        expression: Such as (17 + 4) * 2.5

    """
    if len(expression) > LENGTH_MAX:
        raise ValueError(f"an expression has at most {LENGTH_MAX} characters")
    try:
        read = ast.parse(expression.strip().replace("^", "**"), mode="eval")
        found = _value(read.body)
    except (SyntaxError, RecursionError, MemoryError):
        raise ValueError("this is no arithmetic expression") from None
    except (ArithmeticError, TypeError) as error:
        raise ValueError(f"it cannot be worked out: {error}") from None
    if isinstance(found, float) and not math.isfinite(found):
        raise ValueError("the result is no finite number")
    return repr(found)


def _value(node: ast.expr) -> Number:
    match node:
        case ast.Constant(value=bool()):
            raise ValueError("True and False are no numbers")
        case ast.Constant(value=int() | float() as number):
            return _bounded(number)
        case ast.Name(id=name) if name in _CONSTANTS:
            return _CONSTANTS[name]
        case ast.UnaryOp(op=sign, operand=operand) if type(sign) in _SIGNS:
            return _SIGNS[type(sign)](_value(operand))
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return _power(_value(left), _value(right))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return _bounded(_OPERATORS[type(op)](_value(left), _value(right)))
        case ast.Call(func=ast.Name(id=name), args=[operand], keywords=[]) if name in _FUNCTIONS:
            return _bounded(_FUNCTIONS[name](_value(operand)))
    raise ValueError("only numbers, + - * / // % **, parentheses and the functions named are known")


def _power(base: Number, exponent: Number) -> Number:
    if isinstance(base, int) and isinstance(exponent, int) and base.bit_length() * abs(exponent) > BITS_MAX:
        raise ValueError(f"the result has more than {BITS_MAX} bits")
    power = base**exponent
    if isinstance(power, complex):
        raise ValueError("the result is no real number")  # noqa: TRY004  # of the input, not of a type
    return _bounded(power)


def _bounded(number: Number) -> Number:
    if isinstance(number, int) and number.bit_length() > BITS_MAX:
        raise ValueError(f"a whole number here has at most {BITS_MAX} bits")
    return number
