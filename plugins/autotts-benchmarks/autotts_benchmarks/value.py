"""The value of a scalar expression in LaTeX, as a key: equal values have equal keys.

Rational values are exact. Everything else is evaluated to 80 digits and compared by the first
30; a free variable is given a value that hangs on its name alone, so that two polynomials are
the same where they agree at that point (J. T. Schwartz, "Fast probabilistic algorithms for
verification of polynomial identities", J. ACM 27, 1980). No expression is evaluated whose
size would exceed fixed limits, so that the work for one answer is bounded.
"""

from __future__ import annotations

import hashlib
import math
import re
from fractions import Fraction
from functools import cache
from typing import Any

import mpmath

PRECISION = 80
_SHOWN = 30
_MOST_BITS = 20_000
_MOST_MAGNITUDE = 100_000
_MOST_DEPTH = 40
_MOST_TOKENS = 600

MP = mpmath.MPContext()
MP.dps = PRECISION
_TINY = MP.mpf(10) ** -45

Number = Any
"""A `Fraction`, or an mpmath number."""


class NotReadError(Exception):
    """The text is not in the language that is read here: another parser may read it."""


class TooLargeError(Exception):
    """The value would not fit: nobody is to try."""


_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d{1,4}(?![\w]))?|\.\d+)|(?P<command>\\[a-zA-Z]+)"
    r"|(?P<letter>[a-zA-Z])|(?P<sign>[-+*/^_(){}\[\]!,]))"
)
_WORD = re.compile(
    r"(?<![\\a-zA-Z])(?:[a-zA-Z]{4,}|(?=[a-zA-Z]*[eiou])[a-zA-Z]{3}|no)(?![a-zA-Z])", re.IGNORECASE
)
_NAMES = re.compile(r"(?<![\\a-zA-Z])(sqrt|sin|cos|tan|log|ln|pi)(?![a-zA-Z])")
_FUNCTIONS = {
    "sin": MP.sin, "cos": MP.cos, "tan": MP.tan, "cot": MP.cot, "sec": MP.sec, "csc": MP.csc,
    "arcsin": MP.asin, "arccos": MP.acos, "arctan": MP.atan, "sinh": MP.sinh, "cosh": MP.cosh,
    "tanh": MP.tanh, "ln": MP.log, "exp": MP.exp,
}  # fmt: skip
_GREEK = re.compile(
    "alpha|beta|gamma|delta|epsilon|zeta|eta|theta|kappa|lambda|mu|nu|xi|rho|sigma|tau|phi|"
    "varphi|chi|psi|omega|Gamma|Delta|Theta|Lambda|Sigma|Phi|Psi|Omega|ell"
)
_ENDS = frozenset([None, "+", "-", ")", "}", "]", ",", "/", r"\cdot", r"\div", "*"])


def value_key(text: str, sample: int = 0) -> str:
    """The key of the scalar `text`; raises `NotReadError` or `TooLargeError`."""
    return number_key(evaluate(text, sample))


def has_words(text: str) -> bool:
    """Whether letters stand together that are no function's name and no product."""
    return _WORD.search(_NAMES.sub(" ", text)) is not None


def evaluate(text: str, sample: int = 0) -> Number:
    """The value of `text`, with variables at their values of number `sample`."""
    if has_words(text):
        raise NotReadError(text)
    text = _NAMES.sub(r"\\\1 ", text)
    parser = _Parser(_tokens(text), sample)
    try:
        value = parser.sum(0)
    except (ZeroDivisionError, ValueError, OverflowError, mpmath.libmp.NoConvergence) as error:
        raise NotReadError(str(error)) from None
    if parser.peek() is not None:
        raise NotReadError(f"left over: {parser.peek()}")
    return value


def number_key(value: Number) -> str:
    """The key of a number: exact for a rational one, 30 digits for any other."""
    if not isinstance(value, Fraction):
        value = _exact(value)
    if isinstance(value, Fraction):
        # Hexadecimal, because Python refuses to write long numbers in decimal.
        return f"{value.numerator:x}/{value.denominator:x}"
    if isinstance(value, MP.mpc):
        real, imaginary = (number_key(part) for part in (value.real, value.imag))
        return f"{real}+i*{imaginary}"
    if not MP.isfinite(value):
        raise NotReadError("not a finite number")
    return str(MP.nstr(value, _SHOWN))


def _exact(value: Any) -> Number:
    """`value`, as a fraction where it is one with a small denominator but for rounding."""
    if isinstance(value, MP.mpc):
        size = abs(value)
        if abs(value.imag) > _TINY * max(1, size):
            return value
        value = value.real
    if not MP.isfinite(value) or abs(value) > 10**15:
        return value
    nearest = Fraction(int(MP.nint(value * 10**40)), 10**40).limit_denominator(10**8)
    if abs(MP.mpf(nearest.numerator) / nearest.denominator - value) < _TINY:
        return nearest
    return value


@cache
def variable(name: str, sample: int) -> Any:
    """The value of the variable `name` in sample number `sample`.

    Its size is between 1 and 2. It is not real, so that `|x|` is not x; its angle is small, so
    that `sqrt(xy)` is `sqrt(x) sqrt(y)` and the logarithm of a product is a sum.
    """
    digest = hashlib.sha512(f"{sample}:{name}".encode()).digest()
    size, angle = (
        MP.mpf(int.from_bytes(half)) / MP.mpf(2) ** 256 for half in (digest[:32], digest[32:])
    )
    return (1 + size) * MP.expj((1 + angle) / 50)


def _tokens(text: str) -> list[str]:
    tokens = []
    position = 0
    end = len(text.rstrip())
    while position < end:
        found = _TOKEN.match(text, position)
        if found is None:
            raise NotReadError(text[position : position + 20])
        tokens.append(found[0].strip())
        position = found.end()
        if len(tokens) > _MOST_TOKENS:
            raise TooLargeError("too many tokens")
    return tokens


class _Parser:
    """Reads by recursive descent and evaluates as it reads."""

    def __init__(self, tokens: list[str], sample: int) -> None:
        self.tokens = tokens
        self.sample = sample
        self.position = 0

    def peek(self) -> str | None:
        """The next token; None at the end."""
        return self.tokens[self.position] if self.position < len(self.tokens) else None

    def take(self, wanted: str | None = None) -> str:
        """The next token, which must be `wanted` where that is given."""
        token = self.peek()
        if token is None or (wanted is not None and token != wanted):
            raise NotReadError(f"{wanted or 'something'} is missing")
        self.position += 1
        return token

    def sum(self, depth: int) -> Number:
        """Terms with plus or minus between them."""
        if depth > _MOST_DEPTH:
            raise TooLargeError("nested too deep")
        total = self.product(depth)
        while self.peek() in ("+", "-"):
            sign = self.take()
            term = self.product(depth)
            total = _add(total, term if sign == "+" else _times(Fraction(-1), term))
        return total

    def product(self, depth: int) -> Number:
        """Factors, also those that only stand beside each other."""
        result = self.factor(depth)
        while (token := self.peek()) is not None:
            if token in (r"\cdot", "*"):
                self.take()
                result = _times(result, self.factor(depth))
            elif token in ("/", r"\div"):
                self.take()
                result = _divide(result, self.factor(depth))
            elif token in _ENDS or token in ("^", "_", "!"):
                break
            else:
                result = self.beside(result, depth)
        return result

    def beside(self, left: Number, depth: int) -> Number:
        """The product of `left` and a factor beside it, or a mixed number."""
        token = self.tokens[self.position]
        before = self.tokens[self.position - 1]
        whole = before.isdigit() and (
            self.position < 2 or self.tokens[self.position - 2] in ("+", "-", "(", "{")
        )
        right = self.factor(depth)
        if token == r"\frac" and whole and isinstance(right, Fraction) and 0 < right < 1:
            return _add(left, right)
        if token[0].isdigit() or token[0] == ".":
            if not (whole and token.isdigit() and self.peek() == "/"):
                raise NotReadError("two numbers beside each other")
            self.take()
            part = _divide(right, self.factor(depth))
            return _add(left, part)
        return _times(left, right)

    def factor(self, depth: int) -> Number:
        """A sign, then an atom with what stands after it: powers, factorials, degrees."""
        if depth > _MOST_DEPTH:
            raise TooLargeError("nested too deep")
        if self.peek() in ("+", "-"):
            sign = self.take()
            value = self.factor(depth + 1)
            return value if sign == "+" else _times(Fraction(-1), value)
        value = self.atom(depth)
        while (token := self.peek()) is not None:
            if token == "^":
                self.take()
                value = _power(value, self.argument(depth))
            elif token == "!":
                self.take()
                value = _factorial(value)
            elif token == r"\degree":
                self.take()
                value = _mp(value) * (MP.pi / 180)
            else:
                break
        return value

    def argument(self, depth: int) -> Number:
        """What `^` or a command applies to: a group, or the next token."""
        token = self.peek()
        if token == "{":
            return self.group("{", "}", depth)
        if token in ("+", "-"):
            return self.factor(depth + 1)
        return self.atom(depth + 1)

    def group(self, opening: str, closing: str, depth: int) -> Number:
        """A whole expression in brackets."""
        self.take(opening)
        value = self.sum(depth + 1)
        self.take(closing)
        return value

    def atom(self, depth: int) -> Number:
        """A number, a variable, a group, or a command with its arguments."""
        token = self.take()
        if token[0].isdigit() or token[0] == ".":
            return self.number(token)
        if token in ("(", "{", "["):
            self.position -= 1
            return self.group(token, {"(": ")", "{": "}", "[": "]"}[token], depth)
        if token.isalpha():
            if token == "C" and self.peek() == "(":
                return self.choose(depth)
            return self.name(token)
        if token.startswith("\\"):
            return self.command(token[1:], depth)
        raise NotReadError(token)

    def number(self, token: str) -> Fraction:
        """A decimal, exactly; with an index it is written in that base."""
        if self.peek() != "_":
            value = Fraction(token)
            if max(value.numerator.bit_length(), value.denominator.bit_length()) > _MOST_BITS:
                raise TooLargeError(token)
            return value
        self.take()
        braced = self.peek() == "{"
        if braced:
            self.take()
        base = self.take()
        if braced:
            self.take("}")
        if not base.isdigit() or not 2 <= int(base[:3]) <= 36:
            raise NotReadError(base)
        return Fraction(int(token, int(base)))

    def name(self, letter: str) -> Number:
        """A variable with its index, or one of the constants e and i."""
        if self.peek() == "_":
            self.take()
            if self.peek() == "{":
                end = self.tokens.index("}", self.position)
                index = "".join(self.tokens[self.position + 1 : end])
                self.position = end + 1
            else:
                index = self.take()
            return variable(f"{letter}_{index}", self.sample)
        if letter == "e":
            return +MP.e
        if letter == "i":
            return MP.mpc(0, 1)
        return variable(letter, self.sample)

    def command(self, name: str, depth: int) -> Number:
        """What `\\name` stands for."""
        if name == "frac":
            return _divide(self.short(depth), self.short(depth))
        if name == "binom":
            return _choose(self.short(depth), self.short(depth))
        if name == "sqrt":
            root: Number = Fraction(2)
            if self.peek() == "[":
                root = self.group("[", "]", depth)
            return _root(self.short(depth), root)
        if name == "pi":
            return +MP.pi
        if name == "log":
            base: Number = Fraction(10)
            if self.peek() == "_":
                self.take()
                base = self.argument(depth)
            return MP.log(_mp(self.operand(depth))) / MP.log(_mp(base))
        if name in _FUNCTIONS:
            power: Number = None
            if self.peek() == "^":
                self.take()
                power = self.argument(depth)
            operand = _mp(self.operand(depth))
            if name in ("exp", "sinh", "cosh") and abs(operand) > _MOST_MAGNITUDE:
                raise TooLargeError(name)
            if abs(operand) > MP.mpf(10) ** 30:
                raise TooLargeError(name)
            value = _exact(_FUNCTIONS[name](operand))
            if power is None:
                return value
            if power == -1:
                raise NotReadError("an inverse, or a reciprocal")
            return _power(value, power)
        if _GREEK.fullmatch(name):
            return self.name(name) if self.peek() == "_" else variable(f"\\{name}", self.sample)
        raise NotReadError(name)

    def short(self, depth: int) -> Number:
        """An argument in LaTeX, which without braces is one digit: `\\frac12`."""
        token = self.peek()
        if token is not None and token.isdigit() and len(token) > 1:
            before = self.tokens[self.position - 1]
            if before == r"\frac":
                self.tokens[self.position : self.position + 1] = [token[0], token[1:]]
        return self.argument(depth)

    def operand(self, depth: int) -> Number:
        """What a function applies to: a group, or the factors up to the next sign."""
        if self.peek() in ("(", "{"):
            return self.factor(depth + 1)
        value = self.factor(depth + 1)
        while (token := self.peek()) is not None and (
            token[0].isalpha() or token == r"\pi" or _GREEK.fullmatch(token[1:])
        ):
            value = _times(value, self.factor(depth + 1))
        return value

    def choose(self, depth: int) -> Number:
        """`C(n, k)`."""
        self.take("(")
        upper = self.sum(depth + 1)
        self.take(",")
        lower = self.sum(depth + 1)
        self.take(")")
        return _choose(upper, lower)


def _mp(value: Number) -> Any:
    if isinstance(value, Fraction):
        return MP.mpf(value.numerator) / value.denominator
    return value


def _checked(value: Number) -> Number:
    if isinstance(value, Fraction):
        if max(value.numerator.bit_length(), value.denominator.bit_length()) > _MOST_BITS:
            raise TooLargeError("too many digits")
    elif value != 0 and MP.isfinite(value) and abs(MP.mag(value)) > _MOST_MAGNITUDE:
        raise TooLargeError("too large")
    return value


def _add(left: Number, right: Number) -> Number:
    if isinstance(left, Fraction) and isinstance(right, Fraction):
        return _checked(left + right)
    return _checked(_mp(left) + _mp(right))


def _times(left: Number, right: Number) -> Number:
    if isinstance(left, Fraction) and isinstance(right, Fraction):
        return _checked(left * right)
    return _checked(_mp(left) * _mp(right))


def _divide(left: Number, right: Number) -> Number:
    if right == 0:
        raise NotReadError("division by zero")
    if isinstance(left, Fraction) and isinstance(right, Fraction):
        return _checked(left / right)
    return _checked(_mp(left) / _mp(right))


def _power(base: Number, exponent: Number) -> Number:
    if isinstance(base, Fraction) and isinstance(exponent, Fraction):
        if exponent.denominator == 1:
            size = max(base.numerator.bit_length(), base.denominator.bit_length())
            if size * abs(exponent.numerator) > _MOST_BITS and abs(base) != 1 and base != 0:
                raise TooLargeError("a tower of powers")
            if base == 0 and exponent < 0:
                raise NotReadError("division by zero")
            return base**exponent.numerator
        if exponent.denominator <= 64:
            raised = _power(base, Fraction(exponent.numerator))
            return _root(raised, Fraction(exponent.denominator))
    if base == 0:
        return Fraction(0)
    base, exponent = _mp(base), _mp(exponent)
    if abs(exponent) * (abs(MP.mag(base)) + 2) > _MOST_MAGNITUDE:
        raise TooLargeError("a tower of powers")
    return _checked(MP.power(base, exponent))


def _root(value: Number, degree: Number) -> Number:
    if not isinstance(degree, Fraction) or degree.denominator != 1 or not 2 <= degree <= 64:
        if degree == 1:
            return value
        raise NotReadError("a root of that degree")
    n = degree.numerator
    if isinstance(value, Fraction) and value >= 0:
        parts = [_integer_root(part, n) for part in (value.numerator, value.denominator)]
        if parts[0] is not None and parts[1] is not None:
            return Fraction(parts[0], parts[1])
    if n % 2 and not isinstance(value, MP.mpc) and value < 0:
        return -MP.root(-_mp(value), n)
    return MP.root(_mp(value), n)


def _integer_root(value: int, n: int) -> int | None:
    if n == 2:
        root = math.isqrt(value)
    elif value.bit_length() > 900:
        return None
    else:
        root = round(value ** (1 / n))
    return root if root**n == value else None


def _factorial(value: Number) -> Fraction:
    if not isinstance(value, Fraction) or value.denominator != 1 or value < 0:
        raise NotReadError("a factorial of no whole number")
    if value > 2000:
        raise TooLargeError("factorial")
    return Fraction(math.factorial(value.numerator))


def _choose(n: Number, k: Number) -> Fraction:
    whole = all(isinstance(each, Fraction) and each.denominator == 1 for each in (n, k))
    if not whole or n < 0 or k < 0:
        raise NotReadError("a binomial coefficient of no whole numbers")
    if min(k, n - k) > 2000 or n > 10**6:
        raise TooLargeError("binomial coefficient")
    return _checked(Fraction(math.comb(n.numerator, k.numerator)))
