"""Formulas of the descriptions, such as ``x if x > 0 else alpha * (exp(x) - 1)``, typeset by LaTeX.

The notation is that of the docstrings: ``a * b`` or ``a b``, ``a / b``, ``a^b``, ``|a|``, ``f(a, b)``,
``a[i]``, ``a if condition else b``; equations, and definitions after commas.
"""

from __future__ import annotations

import re

TOKEN = re.compile(r"\s*(\d+(?:\.\d+)?(?:e[+-]?\d+)?|dz/dx|[A-Za-z]\w*'?|<=|>=|[-+*]=|[-+*/^()\[\]|,=<>])")
GREEK = {word: rf"\{word}" for word in ("alpha", "beta", "gamma", "delta", "lambda", "pi", "rho", "Phi")}
GREEK["eps"] = r"\varepsilon"
FUNCTIONS = {"cos", "sin", "tanh", "cosh", "exp", "log", "max", "min"}
COMPARISONS = {"<": "<", ">": ">", "<=": r"\le", ">=": r"\ge", "=": "="}
WORDS = {"if", "else"}
#: Words that no formula has: a text with one of them is prose.
PROSE = {"and", "at", "each", "is", "of", "or", "the", "unless", "with"}


def typeset(formula: str) -> str:
    """LaTeX of a formula; raises ValueError if it has words between its parts."""
    return Parser(formula).whole()


def name(word: str) -> str:
    """A name: a Greek letter, one letter with a prime or an index, or a word in upright letters."""
    if word == "dz/dx":
        return r"\frac{dz}{dx}"
    if word in GREEK:
        return GREEK[word]
    if re.fullmatch(r"[A-Za-z]'?", word):
        return word
    if re.fullmatch(r"[A-Za-z]\d", word):
        return f"{word[0]}_{word[1]}"
    return rf"\mathrm{{{escaped(word)}}}"


def escaped(word: str) -> str:
    return word.replace("_", r"\_")


def bracketed(inside: str) -> str:
    """Brackets as high as their content; cases have a brace of their own."""
    if inside.startswith(r"\begin{cases}"):
        return inside
    return rf"\left({inside}\right)" if r"\frac" in inside else f"({inside})"


class Parser:
    """Reads the tokens of a formula from left to right; each method returns LaTeX."""

    def __init__(self, text: str) -> None:
        self.tokens, end = [], 0
        while end < len(text.rstrip()):
            match = TOKEN.match(text, end)
            if match is None:
                raise ValueError(f"not a formula at {text[end:]!r}")
            self.tokens.append(match[1])
            end = match.end()
        self.at = 0
        self.bars = 0

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, wanted: str = "") -> str:
        token = self.peek()
        if not token or (wanted and token != wanted):
            raise ValueError(f"expected {wanted or 'more'}, got {token!r}")
        self.at += 1
        return token

    def whole(self) -> str:
        """Equations with commas between them."""
        return r",\quad ".join(self.equations())

    def equations(self) -> list[str]:
        """The equations of the whole text."""
        parts = [self.equation()]
        while self.peek() == ",":
            self.take()
            parts.append(self.equation())
        if self.peek():
            raise ValueError(f"not part of a formula: {self.peek()!r}")
        return parts

    def equation(self) -> str:
        """Sides of an equation, or an update of a variable: ``p -= lr g``."""
        text = self.choice()
        while self.peek() in ("=", "+=", "-=", "*="):
            sign = self.take()
            right = self.choice()
            if sign == "=":
                text += f" = {right}"
            else:
                change = bracketed(right) if is_sum(right) and sign != "+=" else right
                text += rf" \leftarrow {text} {sign[0].replace('*', chr(92) + 'cdot')} {change}"
        return text

    def choice(self) -> str:
        """A sum, or the cases of ``a if condition else b``."""
        value = self.sum()
        rows = []
        while self.peek() == "if":
            self.take()
            rows.append(rf"{value} & \text{{if }} {self.condition()}")
            self.take("else")
            value = self.sum()
        if not rows:
            return value
        return r"\begin{cases}" + r" \\ ".join([*rows, rf"{value} & \text{{otherwise}}"]) + r"\end{cases}"

    def condition(self) -> str:
        text = self.sum()
        while self.peek() in COMPARISONS:
            text += f" {COMPARISONS[self.take()]} {self.sum()}"
        return text

    def sum(self) -> str:
        text = self.product()
        while self.peek() in ("+", "-"):
            text += f" {self.take()} {self.product()}"
        return text

    def product(self) -> str:
        """Factors and divisors from the left; a quotient becomes a fraction."""
        text = self.factor()
        while True:
            token = self.peek()
            if token == "/":
                self.take()
                text = rf"\frac{{{bare(text)}}}{{{bare(self.factor())}}}"
            elif token == "*" or self.begins_factor(token):
                if token == "*":
                    self.take()
                following = self.peek()[:1]
                space = " " if text[-1].isdigit() else r" \, "
                text += (r" \cdot " if following.isdigit() or following == "-" else space) + self.factor()
            else:
                return text

    def begins_factor(self, token: str) -> bool:
        if token == "|":
            return self.bars == 0
        return bool(token) and token not in WORDS and (token[0].isalnum() or token == "(")

    def factor(self) -> str:
        if self.peek() == "-":
            self.take()
            return f"-{self.factor()}"
        base = self.atom()
        if self.peek() != "^":
            return base
        self.take()
        exponent = bare(self.factor())
        if base.startswith(r"\cosh"):
            return rf"\cosh^{{{exponent}}}{base.removeprefix(chr(92) + 'cosh')}"
        return f"{base}^{{{exponent}}}"

    def atom(self) -> str:
        token = self.take()
        if token == "(":
            bars, self.bars = self.bars, 0
            inside = self.choice()
            self.take(")")
            self.bars = bars
            return bracketed(inside)
        if token == "|":
            self.bars += 1
            inside = self.choice()
            self.take("|")
            self.bars -= 1
            return rf"\left|{inside}\right|"
        if token[0].isdigit():
            mantissa, _, exponent = token.partition("e")
            return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if exponent else mantissa
        if not token[0].isalpha() or token in WORDS | PROSE:
            raise ValueError(f"not a number or a name: {token!r}")
        return self.named(token)

    def named(self, word: str) -> str:
        """A variable, an element of one, a function of its arguments, or a sum of products."""
        if word.startswith("sum_"):
            return rf"\sum_{{{word[4:]}}} {self.product()}"
        if self.peek() == "[":
            self.take()
            index = self.sum()
            self.take("]")
            return f"{name(word)}_{{{index}}}"
        function = rf"\{word}" if word in FUNCTIONS else rf"\operatorname{{{escaped(word)}}}"
        if word == "Phi":
            function = r"\Phi"
        letter = len(word.rstrip("'")) == 1 and word.rstrip("'") != "f"
        if self.peek() == "(" and not letter and (word not in GREEK or word == "Phi"):
            return self.called(word, function)
        return rf"{function} {self.factor()}" if word in FUNCTIONS else name(word)

    def called(self, word: str, function: str) -> str:
        self.take("(")
        bars, self.bars = self.bars, 0
        arguments = [self.choice()]
        while self.peek() == ",":
            self.take()
            arguments.append(self.choice())
        self.take(")")
        self.bars = bars
        inside = ", ".join(arguments)
        if word == "abs":
            return rf"\left|{inside}\right|"
        if word == "exp":
            return f"e^{{{in_line(inside)}}}"
        if word == "sqrt":
            return rf"\sqrt{{{inside}}}"
        if word.rstrip("'") == "f":
            function = word
        text = function + bracketed(inside)
        if self.peek() == "[":
            self.take()
            text += f"_{{{self.sum()}}}"
            self.take("]")
        return text


def open_at(text: str, end: int) -> int:
    """Number of brackets and braces that are open at a position."""
    return sum(text.count(one, 0, end) for one in "({") - sum(text.count(one, 0, end) for one in ")}")


def is_sum(text: str) -> bool:
    """True if a text has terms outside of all brackets."""
    return any(open_at(text, match.start()) == 0 for match in re.finditer(" [-+] ", text))


def bare(text: str) -> str:
    """LaTeX without a pair of brackets around all of it."""
    for left, right in (("(", ")"), (r"\left(", r"\right)")):
        if text.startswith(left) and text.endswith(right):
            inside = text[len(left) : -len(right)]
            if all(open_at(inside, end) >= 0 for end in range(len(inside))):
                return inside
    return text


def in_line(text: str) -> str:
    """A fraction of short parts as a / b."""
    return re.sub(r"^\\frac\{([^{}]*(?:\{[^{}]*\})?)\}\{([^{}]*)\}$", r"\1 / \2", text)
