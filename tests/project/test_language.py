"""The language of comments and documents: openings, American spelling, names that were replaced."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.support.processes import ROOT

pytestmark = pytest.mark.skipif(
    not (ROOT / "cpp").is_dir(), reason="the source tree is not next to tests/: nothing to read"
)

FOLDERS = ("cpp", "python", "tests", "bench", "examples", "docs")
SUFFIXES = {".hpp", ".cpp", ".py", ".pyi"}

#: Openings that leave a comment without a subject, and the form that names it.
OPENINGS = {
    "what|whatever|which|who|whoever|whose|how": 'name the thing: "The layers that ...", "Number of ..."',
    "whether": '"True if ..."',
    "of": 'begin with the thing: "Name of ..."',
    "the same": '"Variant of `f` for ...", "Like `f`, with ..."',
    "those": 'name the things: "Classes that ..."',
    "as": '"Like `f`, ...", "Casts x as ..."',
    "where": '"Position of ...", "If x > 0, ..."',
}

#: British forms and their American ones, as patterns of `re.sub`.
SPELLINGS = {
    r"(apolog|author|binar|canon|capital|categor|central|character|critic|custom|diagonal|digit|discret|emphas"
    r"|equal|factor|final|formal|general|global|harmon|hypothes|ideal|initial|item|linear|local|marginal|maxim"
    r"|memor|minim|modern|neutral|normal|optim|organ|orthogonal|parallel|parameter|penal|prior|priorit|quant"
    r"|random|rational|real|recogn|regular|sanit|serial|special|stabil|standard|summar|symbol|symmetr|synchron"
    r"|synthes|token|trivial|util|vector|visual)is(e|ed|es|er|ers|ing|ation|ations|able)(?![a-z])": r"\1iz\2",
    r"(analy|cataly|paraly)s(ed?|ing)(?![a-z])": r"\1z\2",
    r"(behavi|col|endeav|fav|flav|harb|hon|hum|lab|neighb|sav)our": r"\1or",
    r"(calib|cent|fib|theat)re(s?)(?![a-z])": r"\1er\2",
    r"(cent)r(ed|ing)(?![a-z])": r"\1er\2",
    r"(cancel|channel|label|level|model|signal|travel|tunnel)l(ed|er|ing)(?![a-z])": r"\1\2",
    r"(defen|licen|offen|preten)ce(?![a-z])": r"\1se",
    r"\bgrey": "gray",
    r"artefact": "artifact",
    r"(judg|acknowledg)ement": r"\1ment",
    r"(analog|catalog)ue": r"\1",
    r"programme(?![a-z])": "program",
    r"\b(learn|spel|burn)t\b": r"\1ed",
    r"\b(while|among)st\b|\bwhilst\b": r"while, among",
    r"\bfulfil(?!l)": "fulfill",
    r"\bmaths\b": "math",
    r"\bsceptic": "skeptic",
}

#: Names and words that were replaced, in all sources and documents.
RENAMED = {
    r"\bexplain\(|\bExplanation\b": "profile, ModelProfile",
    r"\bpredict_into\b": "predict(x, out)",
    r"""\blike="notes"|["']notes["']:""": 'like="textbook"',
    r"(?i)\b(?:as in|in|of|do|what) the notes\b": "a citation",
    r"\bBestKept\b": "EarlyStopping",
    r"\bcount_epoch\b|\bnote_score\b": "on_epoch_end, record_score",
    r"\b_(?:numpy_peer|torch_kinds|scikit)\b": "_numpy_mlp, _torch_layers, _compat",
    r"(?i)\b(?:gradient|derivative)s? by (?:its|the|them|both|[a-z])\b": "gradient w.r.t. ...",
}

#: Identifiers of C++ that were replaced.
RENAMED_IN_CPP = {
    "Beside": "UpdateExtras",
    "Chain": "Sequential",
    "ChainSpec": "SequentialSpec",
    "Cursor": "ParameterBinder",
    "Decay": "ExpNegative",
    "EndedLayer": "LayerWithEpilogue",
    "Experience": "ThreadTuner",
    "Finish": "PostOp",
    "Folding": "BatchNormFolder",
    "Front": "DefaultArgsFunction",
    "Heard": "FlushTinyGradient",
    "Inventory": "ParameterLayout",
    "Learned": "TrainableActivation",
    "LongVector": "U64Vector",
    "Pace": "ThreadTuner",
    "Panel": "TransposedRows",
    "RandomLeak": "RReLU",
    "RandomPlace": "RandomCounter",
    "Reach": "ExponentRange",
    "Sloped": "StoredDerivativeLayer",
    "Team": "ThreadPool",
    "Turn": "ScopedMeasurement",
    "beside": "aux",
    "chosen_below": "select_less",
    "count_up": "iota",
    "finish_rows": "apply_post_op",
    "kMakers": "kLayerFactories",
    "kNobody": "kNoColumn",
    "passed_on": "pass_through_gradient",
    "tilt": "x_scale",
    "tilt_columns": "batch_norm_backward_coefficients",
    "turn_squares": "transpose_squares",
    "where_they_lie": "contiguous_view",
}

#: The text of a line of C++ before a comment, in which strings may contain slashes, and the comment.
CPP_COMMENT = re.compile(r'((?:[^"/]|/(?!/)|"(?:[^"\\]|\\.)*")*)///?<?(.*)')

#: A string of Python, or a comment.
PYTHON_COMMENT = re.compile(
    r'''("""|\'{3})(?:\\.|[^\\])*?\1|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|\#(?P<text>[^\n]*)''', re.DOTALL
)


@cache
def files(folder: str) -> dict[str, str]:
    """Texts of a folder's sources, or of all documents, by their paths; this file is left out."""
    if folder == "documents":
        paths = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "bench").rglob("*.md")]
    else:
        paths = [path for path in (ROOT / folder).rglob("*") if path.suffix in SUFFIXES]
    kept = [path for path in sorted(paths) if path != Path(__file__)]
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in kept}


def first_lines(comments: list[tuple[int, int, bool, str]]) -> Iterator[tuple[int, str]]:
    """Comments, as (line, column, alone, text), that do not continue one above in the same column."""
    last = (-1, -1)
    for line, column, alone, text in comments:
        if text and not (alone and last == (line - 1, column)):
            yield line, text
        last = (line, column) if text else (-1, -1)


def cpp_comments(text: str) -> Iterator[tuple[int, str]]:
    """First lines of the comments of C++, with their numbers."""
    found = [(number, CPP_COMMENT.match(line)) for number, line in enumerate(text.splitlines(), 1)]
    return first_lines([(n, len(m[1]), not m[1].strip(), m[2].strip()) for n, m in found if m is not None])


def python_comments(text: str) -> Iterator[tuple[int, str]]:
    """Docstrings and first lines of the comments of Python, with their numbers."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = ast.get_docstring(node)
            if docstring:
                yield node.body[0].lineno, docstring
    lines = text.splitlines()
    found = []
    for match in PYTHON_COMMENT.finditer(text):
        if match["text"] is not None:
            column = match.start() - text.rfind("\n", 0, match.start()) - 1
            alone = not lines[line_of(match) - 1][:column].strip()
            found.append((line_of(match), column, alone, match["text"].lstrip("#: ")))
    yield from first_lines(found)


def poor_openings(name: str, text: str) -> list[str]:
    """Complaints about the openings of a file's comments and docstrings."""
    comments = python_comments(text) if name.endswith((".py", ".pyi")) else cpp_comments(text)
    found = []
    for line, comment in comments:
        for words, better in OPENINGS.items():
            if match := re.match(rf"({words})\b", comment, re.IGNORECASE):
                found.append(f'{name}:{line}: not "{match[0]} ..." but {better}')
    return found


@cache
def american(word: str) -> str:
    """The word itself, or its American form."""
    for british, form in SPELLINGS.items():
        word = re.sub(british, form, word, flags=re.IGNORECASE)
    return word


def british_spellings(name: str, text: str) -> list[str]:
    """Complaints about British spellings anywhere in a file."""
    words = re.finditer(r"[A-Za-z]+", text)
    found = [(word, american(word[0])) for word in words]
    return [
        f'{name}:{line_of(word)}: not "{word[0]}" but "{good}"' for word, good in found if good != word[0]
    ]


def renamed_words(name: str, text: str) -> list[str]:
    """Complaints about names that were replaced, which in C++ may remain in comments and strings."""
    found = [(match, new) for old, new in RENAMED.items() for match in re.finditer(old, text)]
    if name.startswith("cpp/"):
        words = re.finditer(r"\w+", re.sub(r'"(?:[^"\\\n]|\\.)*"|//.*', "", text))
        found += [(word, RENAMED_IN_CPP[word[0]]) for word in words if word[0] in RENAMED_IN_CPP]
    return [f'{name}:{line_of(match)}: not "{match[0]}" but {new}' for match, new in found]


def line_of(match: re.Match[str]) -> int:
    """Number of the line in which a match begins."""
    return match.string.count("\n", 0, match.start()) + 1


@pytest.mark.parametrize("folder", FOLDERS)
def test_comments_name_their_subject(folder: str) -> None:
    found = [one for name, text in files(folder).items() for one in poor_openings(name, text)]
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize("folder", [*FOLDERS, "documents"])
def test_spelling_is_american(folder: str) -> None:
    found = [one for name, text in files(folder).items() for one in british_spellings(name, text)]
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize("folder", [*FOLDERS, "documents"])
def test_replaced_names_stay_away(folder: str) -> None:
    """The changelog may name them."""
    texts = {name: text for name, text in files(folder).items() if name != "CHANGELOG.md"}
    found = [one for name, text in texts.items() for one in renamed_words(name, text)]
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("name", "text", "lines"),
    [
        ("a.hpp", "/// Whether x.\n", [1]),
        ("a.hpp", "// A block whose lines\n// what continues it\n//\n// The same again.\n", [4]),
        ("a.hpp", "int a;  ///< of a row\nint b;  ///< where it is\n        ///< as it goes on\n", [1, 2]),
        ("a.hpp", 'f("https://what");  // offset of x\n', []),
        ("a.py", '"""What it is."""\n\n\ndef f():\n    """Where x is."""\n', [1, 5]),
        ("a.py", "a = 1  #: Of a.\n# What is a.\n# how it goes on\nb = '# what'  # As b.\n", [1, 2, 4]),
        ("a.py", '"""Offset and assets."""\n', []),
    ],
)
def test_openings_are_found(name: str, text: str, lines: list[int]) -> None:
    assert sorted(int(one.split(":")[1]) for one in poor_openings(name, text)) == lines


@pytest.mark.parametrize(
    ("british", "american"),
    [
        ("Optimiser", "Optimizer"),
        ("LayerNormalisation", "LayerNormalization"),
        ("centred", "centered"),
        ("neighbours", "neighbors"),
        ("modelling", "modeling"),
        ("analysed", "analyzed"),
    ],
)
def test_british_spellings_are_found(british: str, american: str) -> None:
    (found,) = british_spellings("a.md", f"\n{british}\n")
    assert found.startswith("a.md:2: ")
    assert found.endswith(f'"{american}"')


@pytest.mark.parametrize("text", ["precise, otherwise, hour, contour, parameter, promised, analyses, rolled"])
def test_american_words_pass(text: str) -> None:
    assert not british_spellings("a.md", text)


@pytest.mark.parametrize(
    ("name", "text", "number"),
    [
        ("cpp/a.hpp", 'T* beside;  // beside the other\nf("Decay of x");\n', 1),
        ("python/a.py", '# gradient by x\nSGD(like="notes")\n', 2),
        ("bench/a.py", "# the notes about a table, and their derivative by Chebyshev polynomials\n", 0),
    ],
)
def test_replaced_names_are_found(name: str, text: str, number: int) -> None:
    assert len(renamed_words(name, text)) == number
