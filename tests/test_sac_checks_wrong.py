"""Each wrong variant of the reference loses its own question, and no other: the hidden checks are tested by mistakes."""
# ruff: noqa: E501 - a variant reads best as the one line it is

import pytest
from local_exam import REFERENCE, failures

from autograder.checks import Check
from autograder.sac import checks

QUICK: tuple[Check, ...] = tuple(check for check in checks.CHECKS if check.question != "training")

Edits = tuple[tuple[str, str], ...]

# fmt: off

CONCATENATION = "x = torch.cat([x, a], 1)\n"
CRITIC_FORWARD: dict[str, Edits] = {
    "no ReLU on the second layer": (("x = F.relu(self.fc2(x))\n        x = self.fc3(x)", "x = self.fc3(self.fc2(x))"),),
    "no ReLU on the first layer": (("x = F.relu(self.fc1(x))\n        x = F.relu(self.fc2(x))\n        x = self.fc3", "x = F.relu(self.fc2(self.fc1(x)))\n        x = self.fc3"),),
    "a ReLU on the output": (("x = self.fc3(x)", "x = F.relu(self.fc3(x))"),),
    "tanh in place of ReLU": (("x = F.relu(self.fc2(x))\n        x = self.fc3(x)", "x = self.fc3(torch.tanh(self.fc2(x)))"),),
    "joined the other way round": ((CONCATENATION, "x = torch.cat([a, x], 1)\n"),),
    "squeezed": (("x = self.fc3(x)\n        assert x.shape == (a.shape[0], 1)", "x = self.fc3(x).squeeze()"),),
    "a constant of the right shape": (("x = self.fc3(x)", "x = torch.zeros(a.shape[0], 1)"),),
    "the action detached": ((CONCATENATION, "x = torch.cat([x, a.detach()], 1)\n"),),
    "the output detached": (("x = self.fc3(x)", "x = self.fc3(x).detach()"),),
    "the hidden layers detached": (("x = self.fc3(x)", "x = self.fc3(x.detach())"),),
    "the second layer left out": (("x = F.relu(self.fc2(x))\n        x = self.fc3(x)", "x = self.fc3(x)"),),
    "the mean over the batch": (("x = self.fc3(x)", "x = self.fc3(x).mean(0, keepdim=True).expand(a.shape[0], 1)"),),
    "normalised over the batch": ((CONCATENATION, "x = torch.cat([x, a], 1)\n        x = x - x.mean(0)\n"),),
    "nothing returned": (("assert x.shape == (a.shape[0], 1)\n        return x", "return None"),),
    "NaN": (("x = self.fc3(x)", "x = self.fc3(x) * float('nan')"),),
    "open": ((CONCATENATION, "raise NotImplementedError\n"),),
}

LOG_STD = "log_std = torch.tanh(self.fc_logstd(x))"
ACTOR_FORWARD: dict[str, Edits] = {
    "log_std clamped": ((LOG_STD, "log_std = torch.clamp(self.fc_logstd(x), -1, 1)"),),
    "log_std not squashed": ((LOG_STD, "log_std = self.fc_logstd(x)"),),
    "log_std by a sigmoid": ((LOG_STD, "log_std = torch.sigmoid(self.fc_logstd(x))"),),
    "log_std from the mean's head": ((LOG_STD, "log_std = torch.tanh(self.fc_mean(x))"),),
    "log_std of the mean": ((LOG_STD, "log_std = torch.tanh(self.fc_logstd(x).exp())"),),
    "the mean squashed": (("mean = self.fc_mean(x)", "mean = torch.tanh(self.fc_mean(x))"),),
    "the mean behind a ReLU": (("mean = self.fc_mean(x)", "mean = F.relu(self.fc_mean(x))"),),
    "heads exchanged": (("self.fc_mean(x)", "self.fc_WAS(x)"), ("self.fc_logstd(x)", "self.fc_mean(x)"), ("self.fc_WAS(x)", "self.fc_logstd(x)")),
    "no second layer": (("x = F.relu(self.fc2(x))\n        mean", "mean"),),
    "no ReLU on the second layer": (("x = F.relu(self.fc2(x))\n        mean", "x = self.fc2(x)\n        mean"),),
    "the log_std's head cut off": ((LOG_STD, "log_std = torch.tanh(self.fc_logstd(x.detach()))"),),
    "the mean cut off": (("mean = self.fc_mean(x)", "mean = self.fc_mean(x).detach()"),),
    "the mean of a batch": (("mean = self.fc_mean(x)", "mean = self.fc_mean(x).mean(0, keepdim=True).expand(x.shape[0], -1)"),),
    "squeezed": (("mean = self.fc_mean(x)", "mean = self.fc_mean(x).squeeze(0)"),),
}

GET_ACTION: dict[str, Edits] = {
    "std is log_std": (("std = log_std.exp()", "std = log_std.abs()"),),
    "std is the variance": (("std = log_std.exp()", "std = (2 * log_std).exp()"),),
    "std from half": (("std = log_std.exp()", "std = (0.5 * log_std).exp()"),),
    "std is a softplus": (("std = log_std.exp()", "std = F.softplus(log_std)"),),
    "std clamped above": (("std = log_std.exp()", "std = log_std.exp().clamp(max=2)"),),
    "std clamped below": (("std = log_std.exp()", "std = log_std.exp().clamp(min=0.05)"),),
    "std detached": (("std = log_std.exp()", "std = log_std.exp().detach()"),),
    "std is one": (("std = log_std.exp()", "std = torch.ones_like(log_std)"),),
    "sample in place of rsample": (("normal.rsample()", "normal.sample()"),),
    "the mean in place of a sample": (("normal.rsample()", "mean"),),
    "the mean plus no gradient": (("normal.rsample()", "mean + (std * torch.randn_like(std)).detach()"),),
    "noise shared by dimensions": (("normal.rsample()", "mean + std * torch.randn(mean.shape[0], 1)"),),
    "noise shared by rows": (("normal.rsample()", "mean + std * torch.randn(1, mean.shape[1])"),),
    "uniform noise": (("normal.rsample()", "mean + std * 3**0.5 * (2 * torch.rand_like(std) - 1)"),),
    "noise of one sign": (("normal.rsample()", "mean + std * torch.randn_like(std).abs()"),),
    "noise from a fixed seed": (("x_t = normal.rsample()", "torch.manual_seed(0); x_t = normal.rsample()"),),
    "noise without std": (("normal.rsample()", "mean + torch.randn_like(std)"),),
    "heads exchanged": (("mean, log_std = self(x)", "log_std, mean = self(x)"),),
    "no sum": (("log_prob = log_prob.sum(1, keepdim=True)", "log_prob = log_prob.mean(1, keepdim=True)"),),
    "sum over the batch": (("log_prob = log_prob.sum(1, keepdim=True)", "log_prob = log_prob.sum(0, keepdim=True).T"), ("        assert log_prob.shape == (x.shape[0], 1)\n", "")),
    "no keepdim": (("log_prob = log_prob.sum(1, keepdim=True)", "log_prob = log_prob.sum(1)"), ("        assert log_prob.shape == (x.shape[0], 1)\n", "")),
    "sum of everything": (("log_prob = log_prob.sum(1, keepdim=True)", "log_prob = log_prob.sum().expand(x.shape[0], 1)"),),
    "no correction": (("log_prob -= torch.log(self.action_scale * (1 - y_t.pow(2)) + 1e-6)", ""),),
    "correction added": (("log_prob -= torch.log(self.action_scale", "log_prob += torch.log(self.action_scale"),),
    "correction without scale": (("self.action_scale * (1 - y_t.pow(2)) + 1e-6", "1 - y_t.pow(2) + 1e-6"),),
    "correction of the action": (("(1 - y_t.pow(2)) + 1e-6", "(1 - action.pow(2)).abs() + 1e-6"),),
    "the log-probability of the squashed": (("normal.log_prob(x_t)", "normal.log_prob(y_t)"),),
    "the log-probability detached": (("normal.log_prob(x_t)", "normal.log_prob(x_t.detach())"),),
    "the whole log-probability detached": (("log_prob = log_prob.sum(1, keepdim=True)", "log_prob = log_prob.sum(1, keepdim=True).detach()"),),
    "no bias": (("action = y_t * self.action_scale + self.action_bias", "action = y_t * self.action_scale"),),
    "no squashing": (("y_t = torch.tanh(x_t)", "y_t = x_t.clamp(-0.999, 0.999)"),),
    "the mean action not squashed": (("mean = torch.tanh(mean) * self.action_scale", "mean = mean * self.action_scale"),),
    "the mean action is the sample": (("mean = torch.tanh(mean) * self.action_scale + self.action_bias", "mean = action"),),
    "a constant": (("assert action.shape == mean.shape", "action = mean = torch.zeros_like(mean)\n        log_prob = log_prob * 0\n        assert action.shape == mean.shape"),),
    "decorated with no_grad": (("    def get_action(", "    @torch.no_grad()\n    def get_action("),),
}

ACTIONS = "actions, _, _ = actor.get_action(torch.Tensor(obs).to(device))"
EXPLORE: dict[str, Edits] = {
    "the mean action": ((ACTIONS, "_, _, actions = actor.get_action(torch.Tensor(obs).to(device))"),),
    "float64": ((ACTIONS, "actions, _, _ = actor.get_action(torch.tensor(obs).to(device))"),),
    "the forward pass": ((ACTIONS, "actions, _ = actor(torch.Tensor(obs).to(device))"),),
    "squeezed": ((ACTIONS, "actions, _, _ = actor.get_action(torch.Tensor(obs).to(device))\n    actions = actions.squeeze(0)"), ("    assert actions.shape[0] == obs.shape[0]\n", "")),
    "the first environment only": ((ACTIONS, "actions, _, _ = actor.get_action(torch.Tensor(obs[:1]).to(device))\n    actions = actions.expand(len(obs), -1)"),),
    "a tensor": (("return actions.detach().cpu().numpy()", "return actions"),),
    "extra noise": ((ACTIONS, "actions, _, _ = actor.get_action(torch.Tensor(obs).to(device))\n    actions = actions + 0.1 * torch.randn_like(actions)"),),
    "random play": ((ACTIONS, "actions = torch.rand(len(obs), 2)"),),
}

MIN = "torch.min(qf1_next_target, qf2_next_target) - alpha * next_state_log_pi"
TARGET: dict[str, Edits] = {
    "the larger critic": ((MIN, MIN.replace("min", "max")),),
    "the average": ((MIN, "(qf1_next_target + qf2_next_target) / 2 - alpha * next_state_log_pi"),),
    "the first critic": ((MIN, "qf1_next_target - alpha * next_state_log_pi"),),
    "the second critic": ((MIN, "qf2_next_target - alpha * next_state_log_pi"),),
    "the least of the batch": ((MIN, "torch.min(torch.cat([qf1_next_target, qf2_next_target])) - alpha * next_state_log_pi"),),
    "no entropy": ((MIN, MIN.split(" - ")[0]),),
    "entropy added": ((MIN, MIN.replace(" - ", " + ")),),
    "no alpha": ((MIN, MIN.replace("alpha * ", "")),),
    "entropy inside the least": ((MIN, "torch.min(qf1_next_target - alpha * next_state_log_pi, qf2_next_target)"),),
    "the batch's mean entropy": ((MIN, MIN + ".mean()"),),
    "the wrong observation for the action": (("next_state_actions, next_state_log_pi, _ = actor.get_action(data.next_observations)", "next_state_actions, next_state_log_pi, _ = actor.get_action(data.observations)"),),
    "the mean action": (("next_state_actions, next_state_log_pi, _ = actor", "_, next_state_log_pi, next_state_actions = actor"),),
    "the wrong observation for a critic": (("qf1_target(data.next_observations", "qf1_target(data.observations"),),
    "the buffer's actions": (("qf2_target(data.next_observations, next_state_actions)", "qf2_target(data.next_observations, data.actions)"),),
    "one critic twice": (("qf2_next_target = qf2_target", "qf2_next_target = qf1_target"),),
    "no mask": (("(1 - data.dones.flatten()) * gamma", "gamma"),),
    "the mask upside down": (("(1 - data.dones.flatten()) * gamma", "data.dones.flatten() * gamma"),),
    "the mask on the reward": (("data.rewards.flatten() + (1 - data.dones.flatten()) * gamma * min_qf_next_target.view(-1)", "(1 - data.dones.flatten()) * (data.rewards.flatten() + gamma * min_qf_next_target.view(-1))"),),
    "no discount": (("(1 - data.dones.flatten()) * gamma", "(1 - data.dones.flatten())"),),
    "rewards alone": (("data.rewards.flatten() + (1 - data.dones.flatten()) * gamma * min_qf_next_target.view(-1)", "data.rewards.flatten()"),),
    "a column": (("min_qf_next_target.view(-1)\n", "min_qf_next_target.view(-1)\n        next_q_value = next_q_value.unsqueeze(1)\n"), ("    assert next_q_value.shape == (data.rewards.shape[0],)\n", "")),
    "broadcast": (("data.rewards.flatten() + (1", "data.rewards + (1"), ("    assert next_q_value.shape == (data.rewards.shape[0],)\n", "")),
    "squeezed": (("min_qf_next_target.view(-1)\n", "min_qf_next_target.view(-1)\n        next_q_value = next_q_value.squeeze()\n"), ("    assert next_q_value.shape == (data.rewards.shape[0],)\n", "")),
    "a fixed alpha": ((MIN, MIN.replace("alpha", "0.2")),),
}

STEP = "    q_optimizer.zero_grad()\n    qf_loss.backward()\n    q_optimizer.step()\n"
CRITIC_UPDATE: dict[str, Edits] = {
    "no zero_grad": ((STEP, STEP.replace("    q_optimizer.zero_grad()\n", "")),),
    "zero_grad at the end": ((STEP, "    qf_loss.backward()\n    q_optimizer.step()\n    q_optimizer.zero_grad()\n"),),
    "zero_grad between": ((STEP, "    qf_loss.backward()\n    q_optimizer.zero_grad()\n    q_optimizer.step()\n"),),
    "zero_grad of one critic": ((STEP, STEP.replace("q_optimizer.zero_grad()", "qf1.zero_grad()")),),
    "no step": ((STEP, STEP.replace("    q_optimizer.step()\n", "")),),
    "no backward": ((STEP, STEP.replace("    qf_loss.backward()\n", "")),),
    "one loss only": ((STEP, STEP.replace("qf_loss.backward", "qf1_loss.backward")),),
    "two steps": ((STEP, STEP + STEP.replace("qf_loss.backward()", "F.mse_loss(qf1(data.observations, data.actions).view(-1), next_q_value).backward()")),),
    "a Huber loss": (("qf1_loss = F.mse_loss", "qf1_loss = F.smooth_l1_loss"), ("qf2_loss = F.mse_loss", "qf2_loss = F.smooth_l1_loss")),
    "an absolute loss": (("qf1_loss = F.mse_loss", "qf1_loss = F.l1_loss"),),
    "one halved": (("qf1_loss = F.mse_loss(qf1_a_values, next_q_value)", "qf1_loss = 0.5 * F.mse_loss(qf1_a_values, next_q_value)"),),
    "summed over the batch": (("qf1_loss = F.mse_loss(qf1_a_values, next_q_value)", "qf1_loss = F.mse_loss(qf1_a_values, next_q_value, reduction='sum')"), ("qf2_loss = F.mse_loss(qf2_a_values, next_q_value)", "qf2_loss = F.mse_loss(qf2_a_values, next_q_value, reduction='sum')")),
    "of the same critic": (("qf2_loss = F.mse_loss(qf2_a_values", "qf2_loss = F.mse_loss(qf1_a_values"),),
    "the same critic twice": (("qf2_a_values = qf2(", "qf2_a_values = qf1("),),
    "next observations": (("qf1_a_values = qf1(data.observations", "qf1_a_values = qf1(data.next_observations"),),
    "the detached values": (("data.actions).view(-1)\n    qf2", "data.actions).view(-1).detach()\n    qf2"),),
    "the error not squared": (("qf1_loss = F.mse_loss(qf1_a_values, next_q_value)", "qf1_loss = (qf1_a_values - next_q_value).mean()"),),
    "upwards": ((STEP, STEP.replace("qf_loss.backward", "(-qf_loss).backward")),),
    "broadcast": (("qf1_a_values = qf1(data.observations, data.actions).view(-1)", "qf1_a_values = qf1(data.observations, data.actions)"), ("    assert qf1_a_values.shape == qf2_a_values.shape == next_q_value.shape\n", ""), ("qf1_loss = F.mse_loss(qf1_a_values, next_q_value)", "qf1_loss = ((qf1_a_values - next_q_value) ** 2).mean()")),
    "clipped gradients": ((STEP, STEP.replace("    q_optimizer.step()", "    nn.utils.clip_grad_norm_(qf1.parameters(), 0.5)\n    q_optimizer.step()")),),
    "the smaller value for both": (("    qf1_loss = F.mse_loss(qf1_a_values", "    qf1_a_values = qf2_a_values = torch.min(qf1_a_values, qf2_a_values)\n    qf1_loss = F.mse_loss(qf1_a_values"),),
    "one loss returned": (("return qf_loss.detach()", "return qf1_loss.detach()"),),
    "undetached": (("return qf_loss.detach()", "return qf_loss"),),
}

ACTOR_UPDATE: dict[str, Edits] = {
    "the larger critic": (("min_qf_pi = torch.min(", "min_qf_pi = torch.max("),),
    "the average": (("min_qf_pi = torch.min(qf1_pi, qf2_pi)", "min_qf_pi = (qf1_pi + qf2_pi) / 2"),),
    "the first critic": (("min_qf_pi = torch.min(qf1_pi, qf2_pi)", "min_qf_pi = qf1_pi"),),
    "the least of the batch": (("min_qf_pi = torch.min(qf1_pi, qf2_pi)", "min_qf_pi = torch.min(qf1_pi, qf2_pi).min().expand_as(log_pi)"),),
    "the second critic": (("min_qf_pi = torch.min(qf1_pi, qf2_pi)", "min_qf_pi = qf2_pi"),),
    "one critic twice": (("qf2_pi = qf2(", "qf2_pi = qf1("),),
    "the buffer's actions": (("qf1_pi = qf1(data.observations, pi)", "qf1_pi = qf1(data.observations, data.actions)"),),
    "next observations for a critic": (("qf1_pi = qf1(data.observations, pi)", "qf1_pi = qf1(data.next_observations, pi)"),),
    "next observations for the actor": (("pi, log_pi, _ = actor.get_action(data.observations)", "pi, log_pi, _ = actor.get_action(data.next_observations)"),),
    "the mean action": (("pi, log_pi, _ = actor", "_, log_pi, pi = actor"),),
    "the action detached": (("qf1_pi = qf1(data.observations, pi)", "qf1_pi = qf1(data.observations, pi.detach())"),),
    "the values detached": (("min_qf_pi = torch.min(qf1_pi, qf2_pi)", "min_qf_pi = torch.min(qf1_pi, qf2_pi).detach()"),),
    "the action without gradients": (("    pi, log_pi, _ = actor", "    with torch.no_grad():\n        pi, _, _ = actor.get_action(data.observations)\n    _, log_pi, _ = actor"),),
    "the entropy detached": (("((alpha * log_pi) - min_qf_pi)", "((alpha * log_pi.detach()) - min_qf_pi)"),),
    "the entropy's sign": (("((alpha * log_pi) - min_qf_pi)", "((-alpha * log_pi) - min_qf_pi)"),),
    "no alpha": (("((alpha * log_pi) - min_qf_pi)", "(log_pi - min_qf_pi)"),),
    "downhill": (("((alpha * log_pi) - min_qf_pi)", "((alpha * log_pi) + min_qf_pi)"),),
    "summed": (("((alpha * log_pi) - min_qf_pi).mean()", "((alpha * log_pi) - min_qf_pi).sum()"),),
    "entropy taken twice": (("min_qf_pi = torch.min(qf1_pi, qf2_pi)", "min_qf_pi = torch.min(qf1_pi, qf2_pi) - alpha * log_pi"),),
    "no zero_grad": (("    actor_optimizer.zero_grad()\n", ""),),
    "critics left frozen": (("    pi, log_pi, _ = actor", "    for p in [*qf1.parameters(), *qf2.parameters()]:\n        p.requires_grad = False\n    pi, log_pi, _ = actor"),),
    "critics moved": (("    return actor_loss.detach()", "    torch.optim.SGD(qf1.parameters(), 0.01).step()\n    return actor_loss.detach()"),),
    "flattened against a column": (("assert min_qf_pi.shape == log_pi.shape", "min_qf_pi = min_qf_pi.view(-1)"), ("((alpha * log_pi) - min_qf_pi).mean()", "((alpha * log_pi) * min_qf_pi).mean()")),
    "nothing returned": (("    return actor_loss.detach()", "    return None"),),
}

ALPHA_STEP = "    a_optimizer.zero_grad()\n    alpha_loss.backward()\n    a_optimizer.step()\n"
ALPHA_UPDATE: dict[str, Edits] = {
    "no zero_grad": ((ALPHA_STEP, ALPHA_STEP.replace("    a_optimizer.zero_grad()\n", "")),),
    "no step": ((ALPHA_STEP, ALPHA_STEP.replace("    a_optimizer.step()\n", "")),),
    "no backward": ((ALPHA_STEP, ALPHA_STEP.replace("    alpha_loss.backward()\n", "")),),
    "zero_grad between": ((ALPHA_STEP, "    alpha_loss.backward()\n    a_optimizer.zero_grad()\n    a_optimizer.step()\n"),),
    "upwards": ((ALPHA_STEP, ALPHA_STEP.replace("alpha_loss.backward", "(-alpha_loss).backward")),),
    "nothing": ((ALPHA_STEP, ""),),
    "two steps": ((ALPHA_STEP, ALPHA_STEP + "    a_optimizer.step()\n"),),
    "the target entropy's sign": (("(log_pi + target_entropy)", "(log_pi - target_entropy)"),),
    "no target entropy": (("(log_pi + target_entropy)", "log_pi"),),
    "summed": (("(log_pi + target_entropy)).mean()", "(log_pi + target_entropy)).sum()"),),
    "next observations": (("_, log_pi, _ = actor.get_action(data.observations)\n    alpha", "_, log_pi, _ = actor.get_action(data.next_observations)\n    alpha"),),
    "log_alpha returned": (("return log_alpha.exp().item()", "return log_alpha.item()"),),
    "the old alpha returned": ((ALPHA_STEP, "    alpha = log_alpha.exp().item()\n" + ALPHA_STEP), ("return log_alpha.exp().item()", "return alpha")),
}

ACT = "_, _, mean = actor.get_action(torch.Tensor(obs).unsqueeze(0).to(device))"
ENV_STEP = "obs, reward, terminated, truncated, _ = env.step(mean[0].cpu().numpy())"
EVALUATION: dict[str, Edits] = {
    "the first observation for ever": ((ENV_STEP, ENV_STEP.replace("obs,", "_,", 1)),),
    "no truncation": (("done = terminated or truncated\n        episodic", "done = terminated\n        episodic"),),
    "no termination": (("done = terminated or truncated\n        episodic", "done = truncated\n        episodic"),),
    "the last reward alone": (("episodic_return += float(reward)", "episodic_return = float(reward)"),),
    "steps counted": (("episodic_return += float(reward)", "episodic_return += 1"),),
    "added twice": (("episodic_return += float(reward)", "episodic_return += 2 * float(reward)"),),
    "nothing added": (("episodic_return += float(reward)", "pass"),),
    "returns not reset": (("        episodic_return = 0.0\n", "        episodic_return = 0.0 if i == 0 else episodic_return\n"),),
    "a batch as the action": ((ENV_STEP, ENV_STEP.replace("mean[0]", "mean")),),
    "a number as the action": ((ENV_STEP, ENV_STEP.replace("mean[0].cpu().numpy()", "mean[0, 0].item()")),),
    "no batch": ((ACT, ACT.replace(".unsqueeze(0)", "")), (ENV_STEP, ENV_STEP.replace("mean[0]", "mean"))),
    "float64": ((ACT, ACT.replace("torch.Tensor(obs)", "torch.tensor(obs)")),),
    "random actions": ((ENV_STEP, ENV_STEP.replace("mean[0].cpu().numpy()", "env.action_space.sample()")),),
    "the forward pass": ((ACT, "mean, _ = actor(torch.Tensor(obs).unsqueeze(0).to(device))"),),
    "now this and now that": ((ACT, ACT.replace("_, _, mean", "action, _, mean") + "\n                mean = action if i % 2 else mean"),),
    "the action half as large": ((ENV_STEP, ENV_STEP.replace("mean[0]", "0.5 * mean[0]")),),
    "one episode too few": (("for i in range(num_episodes):", "for i in range(max(num_episodes - 1, 1)):"),),
    "always ten": (("for i in range(num_episodes):", "for i in range(10):"), ("np.zeros(num_episodes)", "np.zeros(10)")),
    "five by default": (("num_episodes: int = 10) -> dict", "num_episodes: int = 5) -> dict"),),
    "the sum of returns": (("float(episodic_returns.mean())", "float(episodic_returns.sum())"),),
    "the variance": (("float(episodic_returns.std())", "float(episodic_returns.var())"),),
    "other names": (('"mean return"', '"mean"'),),
    "a tuple": (('{"mean return": float(episodic_returns.mean()), "std return": float(episodic_returns.std())}', "(episodic_returns.mean(), episodic_returns.std())"),),
    "no end": (("        while not done:\n            with", "        while True:\n            with"),),
    "an invented score": (("    for i in range(num_episodes):\n        episodic_return = 0.0", "    return {'mean return': 1000.0, 'std return': 0.0}\n    for i in range(num_episodes):\n        episodic_return = 0.0"),),
}

# fmt: on
WRONG = {
    "critic-forward": CRITIC_FORWARD,
    "actor-forward": ACTOR_FORWARD,
    "get-action": GET_ACTION,
    "explore": EXPLORE,
    "critic-target": TARGET,
    "critic-update": CRITIC_UPDATE,
    "actor-update": ACTOR_UPDATE,
    "alpha-update": ALPHA_UPDATE,
    "evaluation": EVALUATION,
}
CASES = [
    pytest.param(question, edits, id=f"{question}: {name}")
    for question, variants in WRONG.items()
    for name, edits in variants.items()
]


def edited(edits: Edits) -> str:
    source = REFERENCE
    for old, new in edits:
        assert source.count(old) == 1, f"{old!r} stands {source.count(old)} times in the reference"
        source = source.replace(old, new)
    return source


@pytest.mark.parametrize(("question", "edits"), CASES)
def test_a_mistake_loses_its_own_question_and_no_other(question: str, edits: Edits) -> None:
    assert {name.split("/")[0] for name in failures(edited(edits), QUICK)} == {question}
