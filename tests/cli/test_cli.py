"""The command line: the demonstration, help texts and errors."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import simdnn
from simdnn import _core
from simdnn import cli as command_line
from simdnn.cli import COMMANDS

from tests.support.processes import output_of, start

#: Options for two epochs of a small network.
SMALL = ["--epochs", "2", "--hidden", "16"]


@pytest.fixture
def demo(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """A function that runs the demonstration and returns its output."""
    pytest.importorskip("sklearn", reason="needs the extra [demo]: scikit-learn")
    pytest.importorskip("tqdm", reason="needs the extra [demo]: tqdm")

    def run(*options: str) -> str:
        assert command_line.main(["demo", *SMALL, *options]) == 0
        return capsys.readouterr().out

    return run


def test_info_prints_the_configuration() -> None:
    shown = output_of(["-m", "simdnn", "info"])
    config = simdnn.show_config("dicts")
    for word in (config["version"], config["isa"], config["compiler"], *config["isa_available"]):
        assert word in shown


def test_config_is_what_is_installed() -> None:
    config = simdnn.show_config("dicts")
    assert config["version"] == simdnn.__version__
    assert config["isa"] in config["isa_available"]
    assert config["threads"] == simdnn.get_num_threads()


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--optimizer", "sgd", "--lr", "0.1", "--momentum", "0.5"],
        ["--batch-size", "full"],
        ["--batch-size", "64", "--seed", "7"],
        ["--hidden", "16,8"],
    ],
    ids=" ".join,
)
def test_demo_trains_and_reports(demo: Callable[..., str], options: list[str]) -> None:
    shown = demo(*options)
    accuracy = re.search(r"simdnn +test accuracy (0\.\d+|1\.0+)", shown)
    assert accuracy, shown
    assert re.search(r"loss \d+\.\d+ -> \d+\.\d+", shown)
    assert "us/step" in shown
    assert "samples/s" in shown
    assert "NumPy" in shown


@pytest.mark.parametrize("activation", [row["name"] for row in _core.activations()])
def test_demo_knows_every_activation(demo: Callable[..., str], activation: str) -> None:
    assert activation in demo("--activation", activation, "--batch-size", "256")


@pytest.mark.parametrize("optimizer", simdnn.optim.BY_NAME)
def test_demo_trains_with_every_optimizer(demo: Callable[..., str], optimizer: str) -> None:
    shown = demo("--optimizer", optimizer, "--epochs", "20")
    first, last = map(float, re.search(r"loss (\d+\.\d+) -> (\d+\.\d+)", shown).groups())
    assert last < 0.6 * first, shown


@pytest.mark.parametrize("name", ["digits.png", "digits.svg"])
def test_demo_draws_a_picture(demo: Callable[..., str], tmp_path: Path, name: str) -> None:
    pyplot = pytest.importorskip("matplotlib.pyplot", reason="needs the extra [plot]: matplotlib")
    shown = demo("--plot", str(tmp_path / name))
    assert f"The picture is in {tmp_path / name}." in shown
    assert (tmp_path / name).stat().st_size > 10_000
    assert not pyplot.get_fignums()


def test_demo_trains_on_single_samples(demo: Callable[..., str]) -> None:
    assert "batch size 1," in demo("--batch-size", "1", "--epochs", "1")


def test_options_alone_belong_to_the_demo() -> None:
    pytest.importorskip("sklearn", reason="needs the extra [demo]: scikit-learn")
    pytest.importorskip("tqdm", reason="needs the extra [demo]: tqdm")
    assert "test accuracy" in output_of(["-m", "simdnn", *SMALL], timeout=120)


def test_demo_repeats_with_the_same_seed(demo: Callable[..., str]) -> None:
    found = [
        re.findall(r"simdnn +(test accuracy \S+ +loss \S+ -> \S+)", demo("--seed", seed)) for seed in "001"
    ]
    assert found[0] == found[1] != found[2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fly"], r"invalid choice: 'fly' \(choose from .*demo.*train.*info"),
        (["info", "now"], "^error: now: No such file"),
        (["info", "now", "then"], "unrecognized arguments: then"),
        (["demo", "--activation", "relux"], "relux.*relu"),
        (["demo", "--optimizer", "sdg"], "sdg.*adam"),
        (["demo", "--epochs", "0"], "epochs"),
        (["demo", "--epochs", "many"], "epochs"),
        (["demo", "--hidden", "16,x"], "hidden"),
        (["demo", "--batch-size", "-3"], "batch-size"),
        (["demo", "--batch-size", "most"], "batch-size"),
        (["demo", "--seed", "x"], "seed"),
        (["demo", "--momentum", "0.5"], "momentum.*adam"),
        (["demo", "--plot", "digits.xyz"], "plot: .*png.*svg.*digits.xyz"),
        (["demo", "--plot", "no/such/folder/digits.png"], "plot: .*no.such.folder"),
        (["demo", "--wings"], "wings"),
        (
            ["train", "--targt", "y"],
            r"^error: unrecognized .*: --targt; did you mean '--target'\?",
        ),
        (
            ["predict", "m", "--ot=x"],
            r"^error: unrecognized .*: --ot; did you mean '--out'\?",
        ),
        (["info", "--wings", "--", "--nothing"], "unrecognized arguments: --wings\n"),
        (["info", "--", "--nothing"], "^error: --nothing: No such file"),
        (["demo", "--epoch", "3"], r"unrecognized arguments: --epoch; did you mean '--epochs'\?"),
        (
            ["train", "t.csv", "--target", "y", "--out", "m", "--epoch=3"],
            r"^error: unrecognized arguments: --epoch; did you mean '--epochs'\?",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_word_is_a_clear_error(arguments: list[str], message: str) -> None:
    done = start(["-m", "simdnn", *arguments], 60, {})
    assert done.returncode == 2
    assert re.search(message, done.stderr), done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [["--seed", "-1"], ["--lr", "-1"], ["--lr", "nan"], ["--momentum", "-2", "--optimizer", "sgd"]],
    ids=" ".join,
)
def test_a_number_out_of_range_is_a_clear_error(arguments: list[str]) -> None:
    done = start(["-m", "simdnn", "demo", *SMALL, *arguments], 60, {})
    assert done.returncode != 0
    assert arguments[0].strip("-") in done.stderr
    assert "Traceback" not in done.stderr


def test_help_names_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    for name, command in COMMANDS.items():
        assert f" {name} {command.summary}" in shown


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_its_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main([name, "--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert shown.startswith(f"usage: simdnn {name} ")
    assert " ".join(COMMANDS[name].description.split()) in shown


def test_it_tells_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["--version"]) == 0
    assert capsys.readouterr().out == f"simdnn {simdnn.__version__}\n"


def test_no_argument_runs_the_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[int] = []

    def run(options: Any) -> int:
        ran.append(options.seed)
        return 7

    demo = COMMANDS["demo"]._replace(run=run)
    monkeypatch.setitem(COMMANDS, "demo", demo)
    assert [command_line.main(one) for one in ([], ["--seed", "5"], ["demo"])] == [7, 7, 7]
    assert ran == [0, 5, 0]
