"""``python examples/ppo.py``: proximal policy optimization (Schulman et al. 2017) balances a pole.

The settings are the defaults of Stable-Baselines3: two tanh networks of 64-64, rollouts of 2,048 steps, ten
epochs of batches of 64. One optimizer holds both networks and clips their joint gradient norm. The program
needs gymnasium, which the extra [rl] installs.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import simdnn.functional as F
from _rl import Player, Result, command
from numpy.typing import NDArray
from simdnn import init, nn, optim

Array = NDArray[Any]
ROLLOUT, EPOCHS, BATCH, RATE = 2048, 10, 64, 3e-4
GAMMA, DECAY, CLIP, ENTROPY, VALUE = 0.99, 0.95, 0.2, 0.0, 0.5


def network(inputs: int, outputs: int, gain: float, rng: np.random.Generator) -> nn.Sequential:
    """Two hidden layers with orthogonal weights; `gain` is that of the last layer."""
    layers = nn.Dense(inputs, 64, "tanh"), nn.Dense(64, 64, "tanh"), nn.Dense(64, outputs)
    model = nn.Sequential(*layers, rng=rng)
    for i, scale in enumerate((2**0.5, 2**0.5, gain)):
        weight = model.parameters()[f"{i}.weight"]
        weight[...] = init.orthogonal(weight.shape, gain=scale, rng=rng)
    return model


class Rollout(NamedTuple):
    """Steps as rows: states, actions, their log-probabilities, advantages and targets of values."""

    states: Array
    actions: Array
    log_probs: Array
    advantages: Array
    targets: Array


class Agent:
    """A policy and a value function that learn by playing in one environment."""

    def __init__(self, name: str, seed: int) -> None:
        self.player, self.rng = Player(name, seed), np.random.default_rng(seed)
        inputs, self.actions = self.player.state.size, int(self.player.environment.action_space.n)
        self.policy = network(inputs, self.actions, 0.01, self.rng)
        self.critic = network(inputs, 1, 1.0, self.rng)
        networks = self.policy, self.critic
        self.gradients = [model.flat_gradients for model in networks]
        parameters = [model.flat_parameters for model in networks]
        self.optimizer = optim.Adam(parameters, lr=RATE, eps=1e-5, clip_norm=0.5)

    def play(self) -> Rollout:
        """Plays ROLLOUT steps; a limit of time adds the value of the last state to the reward."""
        player, states = self.player, np.zeros((ROLLOUT, self.player.state.size), np.float32)
        actions, rewards = np.zeros(ROLLOUT, np.int64), np.zeros(ROLLOUT, np.float32)
        done = np.zeros(ROLLOUT, bool)
        noise = -np.log(-np.log(self.rng.random((ROLLOUT, self.actions))))
        act, value = self.policy.freeze().predict, self.critic.freeze().predict
        for t in range(ROLLOUT):
            states[t] = player.state
            actions[t] = (act(states[t : t + 1])[0] + noise[t]).argmax()  # Gumbel's trick draws an action
            after, rewards[t], ended, cut = player.step(int(actions[t]))
            done[t] = ended or cut
            if cut and not ended:
                rewards[t] += GAMMA * value(after[np.newaxis])[0, 0]
        values, last = value(states)[:, 0], value(player.state[np.newaxis])[0, 0]
        advantages = F.generalized_advantage(rewards, values, done, last, gamma=GAMMA, lam=DECAY)
        log_probs = F.categorical_log_prob(self.policy(states), actions)
        return Rollout(states, actions, log_probs, advantages, advantages + values)

    def learn(self, played: Rollout) -> None:
        """EPOCHS passes over a rollout in random batches."""
        for _ in range(EPOCHS):
            for rows in self.rng.permutation(ROLLOUT).reshape(-1, BATCH):
                self.update(Rollout(*(array[rows] for array in played)))

    def update(self, batch: Rollout) -> None:
        """One step of both networks: the gradients of the clipped loss, of the entropy and of the values."""
        gain = batch.advantages - batch.advantages.mean()
        gain /= gain.std() + 1e-8
        logits = self.policy.forward(batch.states, training=True)
        log_prob, slope = F.categorical_log_prob(logits, batch.actions, return_grad=True)
        _, outer = F.clipped_policy_loss(log_prob, batch.log_probs, gain, clip=CLIP, return_grad=True)
        gradient = outer[:, np.newaxis] * slope
        if ENTROPY:
            gradient -= ENTROPY / len(gain) * F.categorical_entropy(logits, return_grad=True)[1]
        self.policy.backward(gradient, input_gradient=False)
        values = self.critic.forward(batch.states, training=True)
        _, error = F.clipped_value_loss(values[:, 0], batch.targets, return_grad=True)
        self.critic.backward(VALUE * error[:, np.newaxis], input_gradient=False)
        self.optimizer.step(self.gradients)


def train(
    steps: int, seed: int, name: str = "CartPole-v1", solved: float = 475.0, verbose: bool = False
) -> Result:
    """Trains until the mean return of the last hundred episodes is `solved`, or for `steps` steps."""
    agent = Agent(name, seed)
    player, taken = agent.player, 0
    while taken < steps and not (len(player.returns) >= 100 and player.recent() >= solved):
        agent.learn(agent.play())
        taken += ROLLOUT
        if verbose:
            print(f"{taken:7} steps: mean return {player.recent():6.1f}")
    return Result(player.returns, player.recent(), taken)


if __name__ == "__main__":
    command("ppo", __doc__, train, "CartPole-v1", steps=150_000, solved=475.0)
