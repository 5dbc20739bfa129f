"""The contestants of the populations' benchmark train the same networks."""

import importlib
from types import ModuleType

import pytest

from tests.support.processes import ROOT, without_sanitizer

pytestmark = pytest.mark.skipif(not (ROOT / "bench").is_dir(), reason="bench/ is not next to tests/")


@pytest.fixture
def population(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module of cases, with two threads and without peers."""
    module = importlib.import_module("bench.cases.population")
    for name in ("torch", "jax"):
        monkeypatch.setattr(module.peers, name, lambda: None)
    monkeypatch.setattr(module.peers, "is_installed", lambda _: False)
    monkeypatch.setattr(module.peers, "threads", lambda: 2)
    return module


def _small(population: ModuleType, widths: tuple[int, ...] = (3, 5, 4)) -> object:
    return population.Row(population.Network(widths, 8, 4), 3, 2, {})


@pytest.mark.parametrize("widths", [(3, 5, 4), (3, 20, 20, 2)])
def test_every_population_of_ours_is_right(population: ModuleType, widths: tuple[int, ...]) -> None:
    for contestant in population.contestants(_small(population, widths)):
        contestant.run()
        contestant.check()


@pytest.mark.peers
@pytest.mark.parametrize(
    ("package", "name"),
    [
        ("torch", "torch_stacked"),
        ("torch", "torch_separate"),
        ("jax", "jax_vmap"),
        ("sklearn", "sklearn_separate"),
        ("sklearn", "sklearn_processes"),
    ],
)
def test_every_population_of_a_peer_is_right(population: ModuleType, package: str, name: str) -> None:
    peer = pytest.importorskip(package, reason=f"needs the extra [peers]: {package}")
    networks = population.make_population(_small(population))
    make = getattr(population.theirs, name)
    arguments = {"sklearn_separate": [networks], "sklearn_processes": [networks, 1]}
    made = make(*arguments.get(name, [peer, networks]))
    train = made[0] if name == "jax_vmap" else made
    contestant = population._peer(name, networks, train, *population.fixed_orders(networks))
    contestant.check()
    contestant.run()


def test_every_population_has_a_goal(population: ModuleType) -> None:
    cases = list(population.cases())
    assert all(case.goals for case in cases)
    assert {case.group for case in cases} == {"population", "population busy"}


@without_sanitizer
def test_a_thousand_networks_stay_within_their_memory() -> None:
    memory = importlib.import_module("bench.memory")
    growth = memory.measure()
    if growth is None:
        pytest.skip("reads the resident set from /proc")
    assert growth <= memory.LIMIT
