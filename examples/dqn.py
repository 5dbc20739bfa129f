"""``python examples/dqn.py``: deep Q-learning (Mnih et al. 2015) balances a pole.

A network of 64-64 learns the value of each action from a memory of past steps. The targets come from a copy
that follows it slowly; the network itself chooses their action (double Q-learning, van Hasselt et al. 2016).
The program needs gymnasium, which the extra [rl] installs.
"""

from __future__ import annotations

import numpy as np
import simdnn.functional as F
from _rl import Array, Memory, Player, Result, Steps, command, evaluate, network
from simdnn import optim

RATE, LEAST_RATE, GAMMA, BATCH, TAU, WARM_UP, EVERY = 2.3e-3, 1e-4, 0.99, 64, 0.01, 1000, 2
#: Share of random actions after the first `DECAY` steps, in which it falls from 1.
RANDOM, DECAY = 0.04, 8000
#: Steps between two evaluations, and their number of episodes.
PERIOD, EPISODES = 5000, 20


class Agent:
    """A network of action values, its slow copy, and the update."""

    def __init__(self, inputs: int, actions: int, rng: np.random.Generator) -> None:
        self.values = network(inputs, actions, rng)
        self.slow = self.values.copy()
        self.optimizer = optim.Adam(self.values, lr=RATE, clip_norm=10.0)
        self.rows = actions * np.arange(BATCH)  # places of a batch's rows in its flat array of values

    def act(self, state: Array) -> int:
        """The action of the largest value."""
        return int(self.values(state).argmax())

    def update(self, batch: Steps) -> None:
        """One step towards reward + gamma Q(after), in which an ended episode has no state after it."""
        best = self.rows + self.values(batch.after).argmax(axis=1)
        wanted = batch.rewards + batch.discounts * self.slow(batch.after).ravel()[best]
        values = self.values.forward(batch.states, training=True)
        taken = self.rows + batch.actions
        _, slope = F.smooth_l1_loss(values.ravel()[taken], wanted, return_grad=True)
        gradient = np.zeros(values.size, np.float32)
        gradient[taken] = slope
        self.values.backward(gradient.reshape(values.shape), input_gradient=False)
        self.optimizer.step()
        self.slow.lerp_(self.values, TAU)


def train(
    steps: int, seed: int, name: str = "CartPole-v1", solved: float = 475.0, verbose: bool = False
) -> Result:
    """Plays and learns until an evaluation without random actions has the score `solved`."""
    player, rng = Player(name, seed), np.random.default_rng(seed)
    actions = int(player.environment.action_space.n)
    agent, memory = Agent(player.state.size, actions, rng), Memory(steps, player.state, np.array(0))
    score = float("nan")
    for t in range(1, steps + 1):
        state, share = player.state, max(RANDOM, 1 - t / DECAY)
        action = int(rng.integers(actions)) if rng.random() < share else agent.act(state)
        after, reward, ended, _ = player.step(action)
        memory.add(state, action, reward, after, GAMMA * (1 - ended))
        if t >= WARM_UP and t % EVERY == 0:
            agent.optimizer.lr = max(LEAST_RATE, RATE * (1 - t / steps))
            agent.update(memory.draw(BATCH, rng))
        if t % PERIOD == 0 or t == steps:
            score = evaluate(name, agent.act, EPISODES, seed + t)
            if verbose:
                print(f"{t:7} steps: mean return {score:6.1f} without random actions")
            if score >= solved:
                break
    return Result(player.returns, score, t)


if __name__ == "__main__":
    command("dqn", __doc__, train, "CartPole-v1", steps=60_000, solved=475.0)
