"""``python examples/sac.py``: soft actor-critic (Haarnoja et al. 2018) swings up a pendulum.

A policy of 64-64 draws actions from a squashed normal distribution. Two critics value them, and the gradient
w.r.t. the action comes from the critics' `backward`. The weight of the entropy is learned as well. The
program needs gymnasium, which the extra [rl] installs.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import simdnn.functional as F
from _rl import Array, Memory, Player, Result, Steps, command, evaluate, network
from simdnn import optim

RATE, GAMMA, BATCH, TAU, WARM_UP = 1e-3, 0.99, 256, 0.005, 200
#: Bounds of the logarithm of the standard deviation.
LOW, HIGH = -20.0, 2.0
#: Steps between two evaluations, and their number of episodes.
PERIOD, EPISODES = 1000, 10


class Draw(NamedTuple):
    """Actions in [-1, 1], their log-probabilities, and numbers that the gradients need."""

    actions: Array
    log_probs: Array
    inside: Array
    spread: Array


class Agent:
    """A policy, two critics with their slow copies, and the weight of the entropy."""

    def __init__(self, inputs: int, actions: int, seed: int) -> None:
        self.rng, self.size, self.wanted = np.random.default_rng(seed), actions, -float(actions)
        self.policy = network(inputs, 2 * actions, self.rng)
        self.critics = [network(inputs + actions, 1, self.rng) for _ in range(2)]
        self.slow = [critic.copy() for critic in self.critics]
        self.log_alpha = np.zeros(1, np.float32)
        self.policy_step = optim.Adam(self.policy, lr=RATE)
        self.critic_step = optim.Adam([critic.flat_parameters for critic in self.critics], lr=RATE)
        self.alpha_step = optim.Adam([self.log_alpha], lr=RATE)

    def draw(self, outputs: Array) -> Draw:
        """Actions a = tanh(u) of outputs (mean, log_std) of the policy, with u = mean + exp(log_std) e."""
        mean, raw = outputs[:, : self.size], outputs[:, self.size :]
        log_std = raw.clip(LOW, HIGH)
        spread = F.exp(log_std) * self.rng.standard_normal(mean.shape, np.float32)
        u = mean + spread
        log_slope = np.float32(2) * (np.float32(np.log(2)) - u - F.softplus(-2 * u))  # log(1 - tanh(u)^2)
        log_probs = F.normal_log_prob(u, mean, log_std) - log_slope.sum(axis=1)
        return Draw(F.tanh(u), log_probs, (raw > LOW) & (raw < HIGH), spread)

    def act(self, state: Array) -> Array:
        """The mean action."""
        action: Array = F.tanh(self.policy(state)[: self.size])
        return action

    def update(self, batch: Steps) -> None:
        """One step of the critics, of the policy and of the weight of the entropy."""
        alpha = F.exp(self.log_alpha)
        self.learn_values(batch, alpha)
        drawn = self.draw(self.policy.forward(batch.states, training=True))
        self.policy.backward(self.policy_slope(drawn, batch.states, alpha), input_gradient=False)
        self.policy_step.step()
        self.alpha_step.step([-(drawn.log_probs + self.wanted).mean(keepdims=True)])
        for slow, critic in zip(self.slow, self.critics, strict=True):
            slow.lerp_(critic, TAU)

    def learn_values(self, batch: Steps, alpha: Array) -> None:
        """One step of both critics towards reward + gamma (min Q(after) - alpha log p)."""
        drawn = self.draw(self.policy(batch.after))
        after = np.hstack([batch.after, drawn.actions])
        future = np.minimum(*(slow(after)[:, 0] for slow in self.slow)) - alpha * drawn.log_probs
        wanted = batch.rewards + batch.discounts * future
        now = np.hstack([batch.states, batch.actions])
        for critic in self.critics:
            error = critic.forward(now, training=True)[:, 0] - wanted
            critic.backward(error[:, np.newaxis] / np.float32(BATCH), input_gradient=False)
        self.critic_step.step([critic.flat_gradients for critic in self.critics])

    def policy_slope(self, drawn: Draw, states: Array, alpha: Array) -> Array:
        """The gradient of mean(alpha log p - min Q) w.r.t. the outputs of the policy."""
        values = self.value_slope(np.hstack([states, drawn.actions]))
        through_u = 2 * alpha * drawn.actions - values * (1 - drawn.actions**2)
        through_std = drawn.inside * (through_u * drawn.spread - alpha)
        return np.hstack([through_u, through_std]) / np.float32(len(states))

    def value_slope(self, now: Array) -> Array:
        """The gradient w.r.t. the actions of the smaller value of each row."""
        values = [critic.forward(now, training=True) for critic in self.critics]
        first = values[0] < values[1]
        shares = first.astype(np.float32), (~first).astype(np.float32)
        slopes = [critic.backward(share) for critic, share in zip(self.critics, shares, strict=True)]
        slope: Array = slopes[0] + slopes[1]
        return slope[:, -self.size :]


def train(
    steps: int, seed: int, name: str = "Pendulum-v1", solved: float = -200.0, verbose: bool = False
) -> Result:
    """Plays and learns until an evaluation of the mean actions has the score `solved`."""
    player, rng = Player(name, seed), np.random.default_rng(seed)
    space = player.environment.action_space
    middle, limit = (space.high + space.low) / 2, (space.high - space.low) / 2
    agent, score = Agent(player.state.size, space.shape[0], seed), float("nan")
    memory = Memory(steps, player.state, np.zeros(space.shape, np.float32))
    for t in range(1, steps + 1):
        state = player.state
        if t <= WARM_UP:
            action = rng.uniform(-1, 1, space.shape).astype(np.float32)
        else:
            action = agent.draw(agent.policy(state[np.newaxis])).actions[0]
        after, reward, ended, _ = player.step(middle + limit * action)
        memory.add(state, action, reward, after, GAMMA * (1 - ended))
        if t >= WARM_UP:
            agent.update(memory.draw(BATCH, rng))
        if t % PERIOD == 0 or t == steps:
            score = evaluate(name, lambda seen: middle + limit * agent.act(seen), EPISODES, seed + t)
            if verbose:
                print(f"{t:7} steps: mean return {score:7.1f} of mean actions")
            if score >= solved:
                break
    return Result(player.returns, score, t)


if __name__ == "__main__":
    command("sac", __doc__, train, "Pendulum-v1", steps=10_000, solved=-200.0)
