"""Right answers keep full marks, however they are written: the hidden checks know values, not styles."""
# ruff: noqa: E501 - students write long lines

import pytest
from local_exam import REFERENCE, failures

from autograder.checks import Check
from autograder.sac import checks

QUICK: tuple[Check, ...] = tuple(check for check in checks.CHECKS if check.question != "training")

CRITIC_IN_SEQUENCE = """
class SoftQNetwork(nn.Module):
    def __init__(self, env, hidden_size=256):
        super().__init__()
        inputs = env.single_observation_space.shape[0] + env.single_action_space.shape[0]
        self.value = nn.Sequential(
            nn.Linear(inputs, hidden_size), nn.ReLU(inplace=True),
            nn.Linear(hidden_size, hidden_size), nn.ReLU(inplace=True), nn.Linear(hidden_size, 1),
        )

    def forward(self, obs, act):
        return self.value(torch.hstack((obs, act)))
"""

CRITIC_OF_BARE_MATRICES = """
class SoftQNetwork(nn.Module):
    def __init__(self, env, hidden_size=256):
        super().__init__()
        sizes = [env.observation_space.shape[1] + env.action_space.shape[1], hidden_size, hidden_size, 1]
        shapes = list(zip(sizes[:-1], sizes[1:]))
        self.w = nn.ParameterList([nn.Parameter(0.1 * torch.randn(i, o)) for i, o in shapes])
        self.b = nn.ParameterList([nn.Parameter(torch.zeros(o)) for _, o in shapes])

    def forward(self, x, a):
        h = torch.cat((x, a), dim=-1)
        for w, b in list(zip(self.w, self.b))[:-1]:
            h = (h @ w + b).clamp(min=0)
        return h @ self.w[-1] + self.b[-1]
"""

CRITIC_OF_TWO_INPUT_LAYERS = """
class SoftQNetwork(nn.Module):
    def __init__(self, env, hidden_size=256):
        super().__init__()
        self.from_x = nn.Linear(int(np.prod(env.single_observation_space.shape)), hidden_size)
        self.from_a = nn.Linear(int(np.prod(env.single_action_space.shape)), hidden_size, bias=False)
        self.hidden = nn.Linear(hidden_size, hidden_size)
        self.out = nn.Linear(hidden_size, 1)

    def forward(self, x, a):
        return self.out(torch.relu(self.hidden(torch.relu(self.from_x(x) + self.from_a(a)))))
"""

ACTOR_START = """
LOG_STD_MAX, LOG_STD_MIN = 2, -5

class Actor(nn.Module):
    def __init__(self, env, hidden_size=256):
        super().__init__()
        obs_dim, act_dim = env.single_observation_space.shape[0], env.single_action_space.shape[0]
        low, high = torch.as_tensor(env.single_action_space.low), torch.as_tensor(env.single_action_space.high)
        self.register_buffer("action_scale", (high - low) / 2)
        self.register_buffer("action_bias", (high + low) / 2)
"""

ACTOR_OF_ONE_HEAD = (
    ACTOR_START
    + """
        self.net = nn.Sequential(
            nn.Linear(obs_dim, hidden_size), nn.ReLU(), nn.Linear(hidden_size, hidden_size), nn.ReLU(),
            nn.Linear(hidden_size, 2 * act_dim),
        )

    def forward(self, x):
        raw, mean = self.net(x).chunk(2, -1)
        return mean, LOG_STD_MIN + (LOG_STD_MAX - LOG_STD_MIN) * (torch.tanh(raw) + 1) / 2

    def get_action(self, x):
        mean, log_std = self.forward(x)
        u = mean + log_std.exp() * torch.randn_like(mean)
        gaussian = -0.5 * ((u - mean) / log_std.exp()) ** 2 - log_std - 0.5 * np.log(2 * np.pi)
        slope = 2 * (np.log(2) - u - F.softplus(-2 * u)) + self.action_scale.log()
        log_prob = (gaussian - slope).sum(-1, keepdim=True)
        return torch.tanh(u) * self.action_scale + self.action_bias, log_prob, mean.tanh() * self.action_scale + self.action_bias
"""
)

ACTOR_OF_NAMELESS_HEADS = (
    ACTOR_START
    + """
        self.heads = nn.ModuleList([nn.Linear(hidden_size, act_dim) for _ in range(2)])
        self.body = nn.Sequential(nn.Linear(obs_dim, hidden_size), nn.ReLU(), nn.Linear(hidden_size, hidden_size), nn.ReLU())

    def forward(self, x):
        h = self.body(x)
        raw, mean = (head(h) for head in self.heads)
        return mean, LOG_STD_MIN + 3.5 * (raw.tanh() + 1)

    def get_action(self, x):
        mean, log_std = self(x)
        transforms = [
            torch.distributions.transforms.TanhTransform(cache_size=1),
            torch.distributions.transforms.AffineTransform(self.action_bias, self.action_scale, cache_size=1),
        ]
        policy = torch.distributions.TransformedDistribution(torch.distributions.Normal(mean, log_std.exp()), transforms)
        action = policy.rsample()
        return action, policy.log_prob(action).sum(dim=1, keepdim=True), self.action_bias + self.action_scale * mean.tanh()
"""
)

ACTOR_WITHOUT_FORWARD = (
    ACTOR_START
    + """
        self.layer1 = nn.Linear(obs_dim, hidden_size)
        self.layer2 = nn.Linear(hidden_size, hidden_size)
        self.sigma = nn.Linear(hidden_size, act_dim)
        self.mu = nn.Linear(hidden_size, act_dim)

    def policy(self, x):
        h = F.relu(self.layer2(F.relu(self.layer1(x))))
        return torch.distributions.Normal(self.mu(h), torch.exp(-5 + 3.5 * (1 + torch.tanh(self.sigma(h)))))

    def forward(self, x):
        policy = self.policy(x)
        return policy.mean, policy.stddev.log()

    def get_action(self, x):
        policy = self.policy(x)
        u = policy.rsample()
        y = u.tanh()
        log_prob = policy.log_prob(u) - ((1 - y**2) * self.action_scale + 1e-6).log()
        rescale = lambda y: y * self.action_scale + self.action_bias
        return rescale(y), log_prob.sum(1).unsqueeze(1), rescale(policy.mean.tanh())
"""
)

ACTOR_WITHOUT_FORWARD_OF_ONE_HEAD = (
    ACTOR_START
    + """
        self.net = nn.Sequential(nn.Linear(obs_dim, hidden_size), nn.ReLU(), nn.Linear(hidden_size, hidden_size), nn.ReLU())
        self.out = nn.Linear(hidden_size, 2 * act_dim)

    def both(self, x):
        out = self.out(self.net(x)).reshape(len(x), -1, 2)
        return out[..., 0], -1.5 + 3.5 * torch.tanh(out[..., 1])

    def forward(self, x):
        return self.both(x)

    def get_action(self, x):
        mean, log_std = self.both(x)
        noise = torch.from_numpy(np.random.standard_normal(mean.shape)).to(mean)
        u = torch.addcmul(mean, log_std.exp(), noise)
        log_prob = torch.distributions.Independent(torch.distributions.Normal(mean, log_std.exp()), 1).log_prob(u)
        log_prob = log_prob - (self.action_scale / torch.cosh(u) ** 2 + 1e-9).log().sum(-1)
        return u.tanh() * self.action_scale + self.action_bias, log_prob[:, None], mean.tanh() * self.action_scale + self.action_bias
"""
)

ACTOR_WITHOUT_SMALL_CONSTANTS = (
    ACTOR_START
    + """
        self.fc1, self.fc2 = nn.Linear(obs_dim, hidden_size), nn.Linear(hidden_size, hidden_size)
        self.log_head, self.loc_head = nn.Linear(hidden_size, act_dim), nn.Linear(hidden_size, act_dim)

    def forward(self, obs):
        h = self.fc2(self.fc1(obs).relu()).relu()
        return self.loc_head(h), torch.lerp(torch.tensor(-5.0), torch.tensor(2.0), (self.log_head(h).tanh() + 1) / 2)

    def get_action(self, obs):
        mean, log_std = self(obs=obs)
        policy = torch.distributions.Normal(mean, log_std.exp())
        u = policy.rsample()
        action = torch.tanh(u) * self.action_scale + self.action_bias
        log_prob = policy.log_prob(u) - torch.log(self.action_scale * (1 - torch.tanh(u) ** 2))
        return action, log_prob.sum(dim=-1, keepdim=True), torch.tanh(mean) * self.action_scale + self.action_bias
"""
)

ACTOR_OF_AN_UNCACHED_DISTRIBUTION = (
    ACTOR_START
    + """
        self.fc1, self.fc2 = nn.Linear(obs_dim, hidden_size), nn.Linear(hidden_size, hidden_size)
        self.fc_logstd, self.fc_mean = nn.Linear(hidden_size, act_dim), nn.Linear(hidden_size, act_dim)

    def forward(self, x):
        h = F.relu(self.fc2(F.relu(self.fc1(x))))
        return self.fc_mean(h), 3.5 * torch.tanh(self.fc_logstd(h)) - 1.5

    def get_action(self, x):
        mean, log_std = self(x)
        squash = torch.distributions.transforms.TanhTransform()
        policy = torch.distributions.TransformedDistribution(torch.distributions.Normal(mean, log_std.exp()), squash)
        y = policy.rsample()
        log_prob = policy.log_prob(y.clamp(-1 + 1e-7, 1 - 1e-7)) - torch.log(self.action_scale)
        return y * self.action_scale + self.action_bias, log_prob.sum(1, True), mean.tanh() * self.action_scale + self.action_bias
"""
)

EXPLORE_BY_ROW = """
@torch.no_grad()
def choose_actions(actor, obs, device):
    rows = [actor.get_action(torch.as_tensor(row, dtype=torch.float32, device=device)[None])[0][0] for row in obs]
    return np.array(torch.stack(rows).tolist(), dtype=np.float32)
"""

TARGET_BY_ROW = """
def critic_target(data, actor, target1, target2, temperature, discount):
    nxt = data.next_observations
    a, logp, *_ = actor.get_action(nxt)
    values = torch.cat([target1(nxt, a), target2(nxt, a)], dim=1)
    soft = values.amin(dim=1) - temperature * logp[:, 0]
    return torch.where(data.dones[:, 0] > 0.5, data.rewards[:, 0], data.rewards[:, 0] + discount * soft)
"""

TARGET_ENTROPY_FIRST = """
def critic_target(data, actor, qf1_target, qf2_target, alpha, gamma):
    print("target of", len(data.rewards))
    with torch.inference_mode(False), torch.no_grad():
        actions, log_pi, _ = actor.get_action(x=data.next_observations)
        soft = [q(x=data.next_observations, a=actions) - torch.as_tensor(alpha) * log_pi for q in (qf1_target, qf2_target)]
        value = torch.minimum(*soft)
        return (data.rewards + gamma * (1.0 - data.dones) * value).squeeze(-1)
"""

CRITICS_HALVED = """
def update_critics(data, next_q_value, qf1, qf2, q_optimizer):
    errors = [q(data.observations, data.actions)[:, 0] - next_q_value for q in (qf1, qf2)]
    q_optimizer.zero_grad(set_to_none=False)
    loss = sum(0.5 * error.square().mean() for error in errors)
    loss.backward()
    q_optimizer.step()
    return loss.item()
"""

CRITICS_ONE_BY_ONE = """
def update_critics(data, next_q_value, qf1, qf2, q_optimizer):
    target = next_q_value.reshape(-1, 1)
    qf1.zero_grad(); qf2.zero_grad()
    total = 0.0
    for q in (qf1, qf2):
        loss = nn.MSELoss()(q(data.observations, data.actions), target)
        loss.backward()
        total += loss.detach()
    q_optimizer.step()
    return total
"""

CRITICS_MEAN_BY_HAND = """
def update_critics(data, next_q_value, qf1, qf2, q_optimizer):
    parameters = [p for group in q_optimizer.param_groups for p in group["params"]]
    both = torch.stack([q(data.observations, data.actions).flatten() for q in (qf1, qf2)])
    loss = F.mse_loss(both, next_q_value.expand_as(both)) / 2
    for p, g in zip(parameters, torch.autograd.grad(loss, parameters)):
        p.grad = g
    q_optimizer.step()
    return loss.detach()
"""

CRITICS_BY_CLOSURE = """
def update_critics(data, next_q_value, qf1, qf2, q_optimizer):
    def closure():
        q_optimizer.zero_grad()
        loss = sum(F.mse_loss(q(data.observations, data.actions).squeeze(1), next_q_value) for q in (qf1, qf2))
        loss.backward()
        return loss
    return q_optimizer.step(closure).detach()
"""

ACTOR_WITH_FROZEN_CRITICS = """
def update_actor(data, actor, qf1, qf2, actor_optimizer, alpha):
    for p in [*qf1.parameters(), *qf2.parameters()]:
        p.requires_grad_(False)
    pi, log_pi, _ = actor.get_action(data.observations)
    value = torch.where(qf1(data.observations, pi) < qf2(data.observations, pi), qf1(data.observations, pi), qf2(data.observations, pi))
    loss = -(value - torch.tensor(alpha) * log_pi).mean()
    actor_optimizer.zero_grad(set_to_none=True)
    loss.backward()
    actor_optimizer.step()
    for p in [*qf1.parameters(), *qf2.parameters()]:
        p.requires_grad_(True)
    return loss.item()
"""

ACTOR_FLAT = """
def update_actor(data, actor, qf1, qf2, actor_optimizer, alpha):
    pi, log_pi, _ = actor.get_action(data.observations)
    q = torch.stack([qf(data.observations, pi).view(-1) for qf in (qf1, qf2)])
    loss = alpha * log_pi.view(-1).mean() - q.min(dim=0).values.mean()
    gradients = torch.autograd.grad(loss, list(actor.parameters()))
    for parameter, gradient in zip(actor.parameters(), gradients):
        parameter.grad = gradient
    actor_optimizer.step()
    return loss.detach()
"""

ALPHA_OF_LOG_ALPHA = """
def update_alpha(data, actor, log_alpha, a_optimizer, target_entropy):
    log_pi = actor.get_action(data.observations)[1].detach()
    a_optimizer.zero_grad(set_to_none=True)
    (-(log_alpha * (log_pi + target_entropy)).mean()).backward()
    a_optimizer.step()
    return log_alpha.exp().detach()
"""

ALPHA_BY_HAND = """
def update_alpha(data, actor, log_alpha, a_optimizer, target_entropy):
    with torch.no_grad():
        entropy = -actor.get_action(data.observations)[1].mean()
        log_alpha.grad = (log_alpha.exp() * (entropy - target_entropy)).reshape(log_alpha.shape)
    a_optimizer.step()
    return float(np.exp(log_alpha.item()))
"""

EVALUATION_BY_SAMPLES = """
def test_actor(actor, env, num_episodes=10):
    actor.eval()
    returns = []
    while len(returns) < num_episodes:
        obs, info = env.reset()
        rewards, over = [], False
        while not over:
            with torch.inference_mode():
                action = actor.get_action(torch.from_numpy(obs).float().view(1, -1))[0]
            obs, reward, terminated, truncated, info = env.step(action.squeeze(0).tolist())
            rewards.append(reward)
            over = terminated | truncated
        returns.append(sum(rewards))
    return {"mean return": np.mean(returns), "std return": np.std(returns), "returns": returns}
"""

EVALUATION_OF_A_RECORD = """
def test_actor(actor, env, num_episodes=10):
    env = gym.wrappers.RecordEpisodeStatistics(env)
    returns = torch.zeros(num_episodes)
    for i in range(num_episodes):
        obs = env.reset(seed=i)[0]
        info = {}
        while "episode" not in info:
            action = actor.get_action(torch.tensor(obs[None], dtype=torch.float32))[2].detach().numpy()
            obs, _, _, _, info = env.step(action.reshape(env.action_space.shape).astype(np.float64))
        returns[i] = float(info["episode"]["r"])
    return {"mean return": returns.mean(), "std return": returns.std(unbiased=False)}
"""

EVALUATION_OF_A_VECTOR = """
def test_actor(actor, env, num_episodes=10):
    envs = gym.vector.SyncVectorEnv([lambda: env])
    returns = np.zeros(num_episodes)
    for i in range(num_episodes):
        obs, _ = envs.reset()
        done = False
        while not done:
            with torch.no_grad():
                action = actor.get_action(torch.Tensor(obs))[2].numpy()
            obs, reward, terminated, truncated, _ = envs.step(action)
            returns[i] += reward[0]
            done = terminated[0] or truncated[0]
    return {"mean return": returns.mean(), "std return": returns.std()}
"""

RIGHT = {
    "critic in sequence": CRITIC_IN_SEQUENCE,
    "critic of bare matrices": CRITIC_OF_BARE_MATRICES,
    "critic of two input layers": CRITIC_OF_TWO_INPUT_LAYERS,
    "actor of one head": ACTOR_OF_ONE_HEAD,
    "actor of nameless heads": ACTOR_OF_NAMELESS_HEADS,
    "actor without forward": ACTOR_WITHOUT_FORWARD,
    "actor without forward of one head": ACTOR_WITHOUT_FORWARD_OF_ONE_HEAD,
    "actor without small constants": ACTOR_WITHOUT_SMALL_CONSTANTS,
    "actor of an uncached distribution": ACTOR_OF_AN_UNCACHED_DISTRIBUTION,
    "explore by row": EXPLORE_BY_ROW,
    "target by row": TARGET_BY_ROW,
    "target entropy first": TARGET_ENTROPY_FIRST,
    "critics halved": CRITICS_HALVED,
    "critics one by one": CRITICS_ONE_BY_ONE,
    "critics mean by hand": CRITICS_MEAN_BY_HAND,
    "critics by closure": CRITICS_BY_CLOSURE,
    "actor with frozen critics": ACTOR_WITH_FROZEN_CRITICS,
    "actor flat": ACTOR_FLAT,
    "alpha of log alpha": ALPHA_OF_LOG_ALPHA,
    "alpha by hand": ALPHA_BY_HAND,
    "evaluation by samples": EVALUATION_BY_SAMPLES,
    "evaluation of a record": EVALUATION_OF_A_RECORD,
    "evaluation of a vector": EVALUATION_OF_A_VECTOR,
}


def test_the_reference_passes_every_check() -> None:
    assert failures(REFERENCE, QUICK) == {}


@pytest.mark.parametrize("text", RIGHT.values(), ids=RIGHT)
def test_a_right_answer_keeps_full_marks(text: str) -> None:
    assert failures(REFERENCE + text, QUICK) == {}
