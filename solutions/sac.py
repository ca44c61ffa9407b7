"""Soft Actor-Critic as the practical teaches it: the right answer to every blank, and the judge's oracle.

Names are the notebook's. Shapes: B is the batch size, O the observation's and A the action's dimension.

Sources: Haarnoja et al. 2018a, "Soft Actor-Critic" (arXiv 1801.01290); Haarnoja et al. 2018b, "Soft Actor-Critic
Algorithms and Applications" (arXiv 1812.05905); CleanRL's ``sac_continuous_action.py`` for the structure; Denis Yarats'
``pytorch_sac`` for the rescaling of log_std.
"""

from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
import torch
import torch.nn as nn
import torch.nn.functional as F
from stable_baselines3.common.buffers import ReplayBuffer
from stable_baselines3.common.type_aliases import ReplayBufferSamples
from torch import Tensor, optim
from tqdm.auto import tqdm

LOG_STD_MAX = 2
LOG_STD_MIN = -5

History = list[tuple[int, float]]


@dataclass(frozen=True)
class Hyperparameters:
    """What a training run depends on; the defaults are the practical's."""

    total_timesteps: int = 30_000  # steps of the vector environment
    buffer_size: int = 1_000_000  # transitions kept in the replay buffer
    gamma: float = 0.99  # discount factor
    tau: float = 0.005  # soft target update: the online network's share
    learning_starts: int = 5_000  # random steps before the first update
    batch_size: int = 256  # transitions in one update
    policy_lr: float = 3e-4  # the actor's learning rate
    q_lr: float = 1e-3  # the critics' and alpha's learning rate
    policy_frequency: int = 2  # steps between two visits to the actor
    target_network_frequency: int = 1  # steps between two target updates
    hidden_size: int = 256  # units in each of the two hidden layers
    seed: int = 0


class SoftQNetwork(nn.Module):
    """Q(s, a), the soft action value (1801.01290, section 4.2)."""

    def __init__(self, env: Any, hidden_size: int = 256) -> None:
        super().__init__()
        inputs = int(np.prod(env.single_observation_space.shape) + np.prod(env.single_action_space.shape))
        self.fc1 = nn.Linear(inputs, hidden_size)
        self.fc2 = nn.Linear(hidden_size, hidden_size)
        self.fc3 = nn.Linear(hidden_size, 1)

    def forward(self, x: Tensor, a: Tensor) -> Tensor:
        """Observations (B, O) and actions (B, A) to Q-values (B, 1)."""
        x = torch.cat([x, a], 1)
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        x = self.fc3(x)
        assert x.shape == (a.shape[0], 1)
        return x


class Actor(nn.Module):
    """The tanh-squashed Gaussian policy (1801.01290, appendix C)."""

    action_scale: Tensor
    action_bias: Tensor

    def __init__(self, env: Any, hidden_size: int = 256) -> None:
        super().__init__()
        observations = int(np.prod(env.single_observation_space.shape))
        actions = int(np.prod(env.single_action_space.shape))
        self.fc1 = nn.Linear(observations, hidden_size)
        self.fc2 = nn.Linear(hidden_size, hidden_size)
        self.fc_mean = nn.Linear(hidden_size, actions)
        self.fc_logstd = nn.Linear(hidden_size, actions)
        low, high = env.single_action_space.low, env.single_action_space.high
        self.register_buffer("action_scale", torch.tensor((high - low) / 2.0, dtype=torch.float32))
        self.register_buffer("action_bias", torch.tensor((high + low) / 2.0, dtype=torch.float32))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Observations (B, O) to the Gaussian's mean and log_std, both (B, A)."""
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        mean = self.fc_mean(x)
        log_std = torch.tanh(self.fc_logstd(x))
        log_std = LOG_STD_MIN + 0.5 * (LOG_STD_MAX - LOG_STD_MIN) * (log_std + 1)
        assert mean.shape == log_std.shape
        return mean, log_std

    def get_action(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Observations (B, O) to a sampled action (B, A), its log-probability (B, 1) and the mean action (B, A)."""
        mean, log_std = self(x)
        std = log_std.exp()
        normal = torch.distributions.Normal(mean, std)
        x_t = normal.rsample()
        y_t = torch.tanh(x_t)
        action = y_t * self.action_scale + self.action_bias
        log_prob = normal.log_prob(x_t)
        log_prob -= torch.log(self.action_scale * (1 - y_t.pow(2)) + 1e-6)
        log_prob = log_prob.sum(1, keepdim=True)
        mean = torch.tanh(mean) * self.action_scale + self.action_bias
        assert action.shape == mean.shape
        assert log_prob.shape == (x.shape[0], 1)
        return action, log_prob, mean


def choose_actions(actor: Any, obs: npt.NDArray[Any], device: torch.device) -> npt.NDArray[Any]:
    """Exploration: the actor's sampled actions (num_envs, A) for the observations (num_envs, O)."""
    actions: Tensor
    actions, _, _ = actor.get_action(torch.Tensor(obs).to(device))
    assert actions.shape[0] == obs.shape[0]
    return actions.detach().cpu().numpy()


def critic_target(
    data: ReplayBufferSamples, actor: Any, qf1_target: Any, qf2_target: Any, alpha: float, gamma: float
) -> Tensor:
    """The soft Bellman target (B,) of 1812.05905, equations 5 and 6, with the smaller of two target critics."""
    with torch.no_grad():
        next_state_actions, next_state_log_pi, _ = actor.get_action(data.next_observations)
        qf1_next_target = qf1_target(data.next_observations, next_state_actions)
        qf2_next_target = qf2_target(data.next_observations, next_state_actions)
        min_qf_next_target = torch.min(qf1_next_target, qf2_next_target) - alpha * next_state_log_pi
        next_q_value: Tensor = data.rewards.flatten() + (1 - data.dones.flatten()) * gamma * min_qf_next_target.view(-1)
    assert next_q_value.shape == (data.rewards.shape[0],)
    return next_q_value


def update_critics(
    data: ReplayBufferSamples, next_q_value: Tensor, qf1: Any, qf2: Any, q_optimizer: optim.Optimizer
) -> Tensor:
    """One step on both critics' mean squared error to the target (1812.05905, equation 5); the loss, detached."""
    qf1_a_values = qf1(data.observations, data.actions).view(-1)
    qf2_a_values = qf2(data.observations, data.actions).view(-1)
    assert qf1_a_values.shape == qf2_a_values.shape == next_q_value.shape
    qf1_loss = F.mse_loss(qf1_a_values, next_q_value)
    qf2_loss = F.mse_loss(qf2_a_values, next_q_value)
    qf_loss = qf1_loss + qf2_loss

    q_optimizer.zero_grad()
    qf_loss.backward()
    q_optimizer.step()
    return qf_loss.detach()


def update_actor(
    data: ReplayBufferSamples, actor: Any, qf1: Any, qf2: Any, actor_optimizer: optim.Optimizer, alpha: float
) -> Tensor:
    """One step on the actor's loss (1812.05905, equation 9, with the smaller critic); the loss, detached."""
    pi, log_pi, _ = actor.get_action(data.observations)
    qf1_pi = qf1(data.observations, pi)
    qf2_pi = qf2(data.observations, pi)
    min_qf_pi = torch.min(qf1_pi, qf2_pi)
    assert min_qf_pi.shape == log_pi.shape
    actor_loss: Tensor = ((alpha * log_pi) - min_qf_pi).mean()

    actor_optimizer.zero_grad()
    actor_loss.backward()
    actor_optimizer.step()
    return actor_loss.detach()


def update_alpha(
    data: ReplayBufferSamples, actor: Any, log_alpha: Tensor, a_optimizer: optim.Optimizer, target_entropy: float
) -> float:
    """One step on J(alpha) = E[-alpha (log pi + target entropy)] (1812.05905, equation 18); the new alpha."""
    with torch.no_grad():
        _, log_pi, _ = actor.get_action(data.observations)
    alpha_loss = (-log_alpha.exp() * (log_pi + target_entropy)).mean()

    a_optimizer.zero_grad()
    alpha_loss.backward()
    a_optimizer.step()
    return log_alpha.exp().item()


def update_targets(qf1: Any, qf2: Any, qf1_target: Any, qf2_target: Any, tau: float) -> None:
    """The soft (Polyak) target update: each target parameter moves the share tau towards its critic's."""
    for critic, target in ((qf1, qf1_target), (qf2, qf2_target)):
        for param, target_param in zip(critic.parameters(), target.parameters(), strict=True):
            target_param.data.copy_(tau * param.data + (1 - tau) * target_param.data)


def finished_episodes(infos: dict[str, Any]) -> list[float]:
    """The returns of the episodes that ended in this step (SAME_STEP autoreset keeps them in ``final_info``)."""
    if "final_info" not in infos:
        return []
    episode = infos["final_info"]["episode"]
    return [float(value) for value, ended in zip(episode["r"], infos["_final_info"], strict=True) if ended]


def train(envs: Any, hp: Hyperparameters) -> tuple[Actor, History]:
    """Train an actor; also the history, a list of (environment steps so far, return of the episode that ended)."""
    device = torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    np.random.seed(hp.seed)
    torch.manual_seed(hp.seed)
    torch.backends.cudnn.deterministic = True
    envs.single_action_space.seed(hp.seed)

    actor = Actor(envs, hp.hidden_size).to(device)
    qf1 = SoftQNetwork(envs, hp.hidden_size).to(device)
    qf2 = SoftQNetwork(envs, hp.hidden_size).to(device)
    qf1_target = SoftQNetwork(envs, hp.hidden_size).to(device)
    qf2_target = SoftQNetwork(envs, hp.hidden_size).to(device)
    qf1_target.load_state_dict(qf1.state_dict())
    qf2_target.load_state_dict(qf2.state_dict())
    q_optimizer = optim.Adam(list(qf1.parameters()) + list(qf2.parameters()), lr=hp.q_lr)
    actor_optimizer = optim.Adam(list(actor.parameters()), lr=hp.policy_lr)

    target_entropy = -float(np.prod(envs.single_action_space.shape))
    log_alpha = torch.zeros(1, requires_grad=True, device=device)
    alpha = log_alpha.exp().item()
    a_optimizer = optim.Adam([log_alpha], lr=hp.q_lr)

    # float32 from the start: the networks' Linear layers refuse the environment's float64
    observation_space = gym.spaces.Box(-np.inf, np.inf, envs.single_observation_space.shape, np.float32)
    rb = ReplayBuffer(
        hp.buffer_size,
        observation_space,
        envs.single_action_space,
        device,
        n_envs=envs.num_envs,
        handle_timeout_termination=False,
    )

    history: History = []
    obs, _ = envs.reset(seed=hp.seed)
    progress = tqdm(range(hp.total_timesteps))
    for global_step in progress:
        if global_step < hp.learning_starts:
            actions = np.array([envs.single_action_space.sample() for _ in range(envs.num_envs)])
        else:
            actions = choose_actions(actor, obs, device)

        next_obs, rewards, terminations, truncations, infos = envs.step(actions)
        for episodic_return in finished_episodes(infos):
            history.append(((global_step + 1) * envs.num_envs, episodic_return))
            progress.set_postfix({"return": f"{episodic_return:.0f}"}, refresh=False)

        # an episode that ended was reset within this step: what it ended in stands in final_obs
        real_next_obs = next_obs.copy()
        for i in np.flatnonzero(np.logical_or(terminations, truncations)):
            real_next_obs[i] = infos["final_obs"][i]
        # terminations alone: a time limit is no end of the world, and is bootstrapped through
        rb.add(obs, real_next_obs, actions, rewards, terminations, [{}] * envs.num_envs)
        obs = next_obs

        if global_step > hp.learning_starts:
            data = rb.sample(hp.batch_size)
            next_q_value = critic_target(data, actor, qf1_target, qf2_target, alpha, hp.gamma)
            update_critics(data, next_q_value, qf1, qf2, q_optimizer)
            if global_step % hp.policy_frequency == 0:
                for _ in range(hp.policy_frequency):  # make up for the steps skipped
                    update_actor(data, actor, qf1, qf2, actor_optimizer, alpha)
                    alpha = update_alpha(data, actor, log_alpha, a_optimizer, target_entropy)
            if global_step % hp.target_network_frequency == 0:
                update_targets(qf1, qf2, qf1_target, qf2_target, hp.tau)
    return actor, history


def test_actor(actor: Any, env: Any, num_episodes: int = 10) -> dict[str, float]:
    """Run the actor for whole episodes in a plain environment; the mean and the standard deviation of the returns."""
    device = next(actor.parameters()).device
    episodic_returns = np.zeros(num_episodes)
    for i in range(num_episodes):
        episodic_return = 0.0
        obs, _ = env.reset(seed=i)
        done = False
        while not done:
            with torch.no_grad():
                _, _, mean = actor.get_action(torch.Tensor(obs).unsqueeze(0).to(device))
            obs, reward, terminated, truncated, _ = env.step(mean[0].cpu().numpy())
            episodic_return += float(reward)
            done = terminated or truncated
        episodic_returns[i] = episodic_return
    return {"mean return": float(episodic_returns.mean()), "std return": float(episodic_returns.std())}
