"""Updates of reinforcement learning: a step of double deep Q-learning from a batch of a memory."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import simdnn.functional as F
from numpy.typing import NDArray
from simdnn import nn, optim

from bench import peers
from bench.harness import BEST, OURS, Case, Contestant
from bench.peers import training

Array = NDArray[Any]
WIDTHS, BATCH = (4, 64, 64, 2), 64
RATE, GAMMA, TAU, CLIP = 2.3e-3, 0.99, 0.01, 10.0
#: Updates after which the networks are compared.
CHECKED = 3


def cases() -> Iterator[Case]:
    """One row: forward passes of both networks, loss, backward pass, clipping, Adam, and the slow copy."""
    name = f"{'-'.join(map(str, WIDTHS))}, batch {BATCH}"
    yield Case("deep Q-learning step", name, contestants, (BEST,))


class Batch(NamedTuple):
    """Steps as rows; `discounts` are the factors of the values after them: 0 where an episode ended."""

    states: Array
    actions: Array
    rewards: Array
    after: Array
    discounts: Array


def make_batch() -> Batch:
    """Random steps."""
    rng = np.random.default_rng(0)
    states, after = rng.normal(size=(2, BATCH, WIDTHS[0])).astype(np.float32)
    rewards, discounts = rng.normal(size=BATCH), GAMMA * (rng.random(BATCH) >= 0.1)
    actions = rng.integers(WIDTHS[-1], size=BATCH)
    return Batch(states, actions, rewards.astype(np.float32), after, discounts.astype(np.float32))


def make_network() -> nn.Sequential:
    """The network of action values."""
    hidden = [nn.Dense(*ends, "relu") for ends in itertools.pairwise(WIDTHS[:-1])]
    return nn.Sequential(*hidden, nn.Dense(*WIDTHS[-2:]), rng=0)


def contestants() -> Iterator[Contestant]:
    """simdnn, and PyTorch if it is installed."""
    _, run = ours()
    yield Contestant(OURS, run, lambda: None)
    if torch := peers.torch():
        expected, again = ours()
        module, run = theirs(torch)

        def check() -> None:
            for _ in range(CHECKED):
                again()
                run()
            found = module.state_dict()
            for layer in range(len(WIDTHS) - 1):
                wanted = expected.parameters()[f"{layer}.weight"]
                np.testing.assert_allclose(found[f"{2 * layer}.weight"].T, wanted, rtol=1e-3, atol=1e-4)

        yield Contestant("PyTorch", run, check)


def ours() -> tuple[nn.Sequential, Callable[[], None]]:
    """A network and its update, with NumPy for what is no network."""
    values, batch, rows = make_network(), make_batch(), WIDTHS[-1] * np.arange(BATCH)
    slow, optimizer = values.copy(), optim.Adam(values, lr=RATE, clip_norm=CLIP)

    def update() -> None:
        best = rows + values(batch.after).argmax(axis=1)
        wanted = batch.rewards + batch.discounts * slow(batch.after).ravel()[best]
        found = values.forward(batch.states, training=True)
        taken = rows + batch.actions
        _, slope = F.smooth_l1_loss(found.ravel()[taken], wanted, return_grad=True)
        gradient = np.zeros(found.size, np.float32)
        gradient[taken] = slope
        values.backward(gradient.reshape(found.shape), input_gradient=False)
        optimizer.step()
        slow.lerp_(values, TAU)

    return values, update


def theirs(torch: Any) -> tuple[Any, Callable[[], None]]:
    """PyTorch's module with the same weights, and its update."""
    values = training.torch_model(torch, make_network().parameters())
    slow, batch = copy.deepcopy(values), Batch(*map(torch.from_numpy, make_batch()))
    own, kept = list(values.parameters()), list(slow.parameters())
    optimizer = torch.optim.Adam(own, lr=RATE, fused=True)

    def update() -> None:
        with torch.no_grad():
            best = values(batch.after).argmax(1, keepdim=True)
            wanted = batch.rewards + batch.discounts * slow(batch.after).gather(1, best)[:, 0]
        found = values(batch.states).gather(1, batch.actions[:, None])[:, 0]
        loss = torch.nn.functional.smooth_l1_loss(found, wanted)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(own, CLIP)
        optimizer.step()
        with torch.no_grad():
            torch._foreach_lerp_(kept, own, TAU)

    return values, update
