"""The recorded loss is the number whose gradient the parameters were given."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import whygrad as wg
from whygrad.record.loss import told_loss

pytestmark = pytest.mark.filterwarnings("ignore:wg.watch does not take apart")
X = torch.randn(12, 4, generator=torch.Generator().manual_seed(0))
Y = torch.arange(12) % 3


def ce(model: nn.Module, rows: slice = slice(None), **options) -> Tensor:
    return F.cross_entropy(model(X[rows]), Y[rows], **options)


def backward(make):
    """Return a step that calls backward once, and says on what number."""

    def step(model: nn.Module) -> float:
        loss = make(model)
        loss.backward()
        return loss.item()

    return step


def in_place(model):
    loss = ce(model)
    loss += 0.1 * model[0].weight.square().sum()
    loss *= 2
    return loss


def mixed_terms(model):
    outputs = model(X)
    return F.cross_entropy(outputs, Y) - 0.5 * F.mse_loss(outputs, outputs.detach() + 1) + 3


def accumulated(divided):
    def step(model):
        total = 0.0
        for first in (0, 4, 8):
            loss = ce(model, slice(first, first + 4)) / (3 if divided else 1)
            loss.backward()
            total += loss.item()
        return total

    return step


def several_roots(model):
    roots = [ce(model), model(X).square().mean()]
    torch.autograd.backward(roots)
    return sum(root.item() for root in roots)


def roots_with_gradients(model):
    each, norm = ce(model, reduction="none"), model[0].weight.square().sum()
    shares = torch.linspace(0, 1, 12)
    torch.autograd.backward([each, norm], [shares, None])
    return ((each * shares).sum() + norm).item()


def one_with_a_gradient(model):
    loss = ce(model)
    loss.backward(gradient=torch.tensor(2.5))
    return 2.5 * loss.item()


def asked_for(model):
    loss = 2 * ce(model)
    parameters = list(model.parameters())
    for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
        parameter.grad = gradient
    return loss.item()


def asked_for_on_the_way(model):
    """A penalty on the gradient: what is trained is what ``backward`` is called on."""
    loss, parameters = ce(model), list(model.parameters())
    slopes = torch.autograd.grad(loss, parameters, create_graph=True)
    whole = loss + sum(slope.square().sum() for slope in slopes)
    whole.backward()
    return whole.item()


def asked_for_twice(model):
    loss, parameters = ce(model), list(model.parameters())
    slopes = torch.autograd.grad(loss, parameters, create_graph=True)
    whole = loss + sum(slope.square().sum() for slope in slopes)
    for parameter, gradient in zip(parameters, torch.autograd.grad(whole, parameters), strict=True):
        parameter.grad = gradient
    return whole.item()


def retained(model):
    loss = ce(model)
    loss.backward(retain_graph=True)
    (2 * loss).backward()
    return 3 * loss.item()


def thrown_away(model):
    (5 * ce(model)).backward()
    model.zero_grad()
    return backward(ce)(model)


def evaluated_between(model):
    loss = ce(model)
    with torch.no_grad():
        ce(model.eval())
        model.train()
    loss.backward()
    return loss.item()


def measured_beside(model):
    """Another loss is computed with a graph, shown, and never trained."""
    F.mse_loss(model(X), model(X).detach() + 7).item()
    return backward(ce)(model)


def trained_beside(model):
    """Another model's loss, between the passes of this one."""
    other = nn.Linear(4, 3)
    (100 * ce(nn.Sequential(other))).backward()
    return backward(ce)(model)


def without_gradients_around(model):
    loss = ce(model)
    with torch.no_grad():
        loss.backward()
    return loss.item()


STEPS = {
    "plain": backward(ce),
    "tripled": backward(lambda m: 3 * ce(m)),
    "plus ten": backward(lambda m: ce(m) + 10),
    "negated": backward(lambda m: -ce(m)),
    "summed": backward(lambda m: ce(m, reduction="sum") / 5),
    "each": backward(lambda m: (ce(m, reduction="none") * torch.linspace(0, 1, 12)).sum()),
    "terms": backward(mixed_terms),
    "stacked": backward(lambda m: torch.stack([ce(m), 2 * ce(m)]).sum()),
    "in place": backward(in_place),
    "logarithm": backward(lambda m: ce(m).log()),
    "own": backward(lambda m: -m(X).log_softmax(1)[torch.arange(12), Y].mean()),
    "accumulated": accumulated(True),
    "undivided": accumulated(False),
    "several roots": several_roots,
    "roots with gradients": roots_with_gradients,
    "one with a gradient": one_with_a_gradient,
    "asked for": asked_for,
    "asked for on the way": asked_for_on_the_way,
    "asked for twice": asked_for_twice,
    "retained": retained,
    "thrown away": thrown_away,
    "evaluated between": evaluated_between,
    "measured beside": measured_beside,
    "trained beside": trained_beside,
    "without gradients around": without_gradients_around,
}


def mlp() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3))


def watched(step, steps: int = 2, optimizer=None) -> tuple[wg.WatchedRun, list[float]]:
    model, told = mlp(), []
    optimizer = optimizer or torch.optim.SGD(model.parameters(), 0.1)
    optimizer.param_groups[0]["params"] = list(model.parameters())
    with wg.watch(model, every=1) as watch:
        for _ in range(steps):
            optimizer.zero_grad()
            told.append(step(model))
            optimizer.step()
    return watch.run, told


@pytest.mark.parametrize("name", STEPS)
def test_the_loss_is_what_backward_was_called_on(name):
    run, told = watched(STEPS[name])
    assert run.history["loss"].tolist() == pytest.approx(told, rel=1e-6)


PARTS = {
    "tripled": {"cross_entropy": 3},
    "plus ten": {"cross_entropy": 1},
    "negated": {"cross_entropy": -1},
    "terms": {"cross_entropy": 1, "mse_loss": -0.5},
    "stacked": {"cross_entropy": 3},
    "in place": {"cross_entropy": 2},
    "accumulated": {"cross_entropy": 1},
    "undivided": {"cross_entropy": 3},
    "several roots": {"cross_entropy": 1},
    "one with a gradient": {"cross_entropy": 2.5},
    "asked for": {"cross_entropy": 2},
    "retained": {"cross_entropy": 3},
    "thrown away": {"cross_entropy": 1},
    "measured beside": {"cross_entropy": 1},
    "trained beside": {"cross_entropy": 1},
    "own": {},
}


@pytest.mark.parametrize("name", PARTS)
def test_its_parts_are_named_with_their_weights(name):
    run, (first, _) = watched(STEPS[name])
    calls = [call for call in run.facts[0]["losses"] if call["weight"] is not None]
    weights, rest = {}, first
    for call in calls:
        weights[call["name"]] = weights.get(call["name"], 0) + call["weight"]
        assert call["part"] == pytest.approx(call["weight"] * call["value"], rel=1e-5)
        rest -= call["part"]
    assert weights == pytest.approx(PARTS[name], rel=1e-6)
    if name in ("tripled", "negated", "stacked", "accumulated", "undivided", "retained"):
        assert rest == pytest.approx(0, abs=1e-6)
    elif name == "plus ten":
        assert rest == pytest.approx(10, rel=1e-6)


def test_the_parts_of_a_loss_that_is_reduced_by_hand():
    run, (first, _) = watched(STEPS["each"])
    (call,) = run.facts[0]["losses"]
    assert call["weight"] == pytest.approx(6) and call["part"] == pytest.approx(first)
    assert call["value"] is None


@pytest.mark.parametrize("divided", [1, 2])
def test_a_scaler_does_not_scale_the_loss_that_is_recorded(divided):
    model, told = mlp(), []
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)
    with wg.watch(model, every=1) as watch:
        for step in range(4):
            optimizer.zero_grad()
            with torch.autocast("cpu", torch.bfloat16):
                loss = ce(model) / divided * (torch.inf if step == 2 else 1)
            (scaler.scale(loss) / divided).backward()
            if step != 2:
                told.append(loss.item() / divided)
            scaler.step(optimizer)
            scaler.update()
    assert watch.run.history["loss"].tolist() == pytest.approx(told, rel=1e-6)
    assert [facts["scales"] for facts in watch.run.facts] == [[2.0**10], [2.0**10], [2.0**9]]
    (call,) = watch.run.facts[-1]["losses"]
    assert call["weight"] == pytest.approx(divided**-2, rel=1e-2)


def test_a_closure_that_is_called_several_times_tells_the_loss_of_its_last_call():
    model, told = mlp(), []
    optimizer = torch.optim.LBFGS(model.parameters(), 0.1, max_iter=3)

    def closure():
        optimizer.zero_grad()
        loss = 2 * ce(model)
        loss.backward()
        told.append(loss.item())
        return loss

    with wg.watch(model, every=1) as watch:
        optimizer.step(closure)
        ends = [told[-1]]
        optimizer.step(closure)
    assert len(told) > 4
    assert watch.run.history["loss"].tolist() == pytest.approx([*ends, told[-1]], rel=1e-6)


def test_two_models_against_each_other_have_a_loss_each():
    torch.manual_seed(0)
    maker, judge = nn.Linear(4, 4), nn.Linear(4, 1)
    of_maker, of_judge = (torch.optim.SGD(m.parameters(), 0.01) for m in (maker, judge))
    told = {"maker": [], "judge": []}
    with wg.watch(maker, every=1) as on_maker, wg.watch(judge, every=1) as on_judge:
        for _ in range(3):
            of_judge.zero_grad()
            made = maker(torch.randn(12, 4))
            real = F.binary_cross_entropy_with_logits(judge(X), torch.ones(12, 1))
            loss = real + F.binary_cross_entropy_with_logits(judge(made), torch.zeros(12, 1))
            loss.backward()  # into the maker, too, which throws it away
            told["judge"].append(loss.item())
            of_judge.step()
            of_maker.zero_grad()
            loss = -F.binary_cross_entropy_with_logits(
                judge(maker(torch.randn(12, 4))), torch.zeros(12, 1)
            )
            loss.backward()
            told["maker"].append(loss.item())
            of_maker.step()
    assert on_judge.run.history["loss"].tolist() == pytest.approx(told["judge"], rel=1e-6)
    assert on_maker.run.history["loss"].tolist() == pytest.approx(told["maker"], rel=1e-6)
    for facts in on_maker.run.facts:
        assert [call["weight"] for call in facts["losses"]] == pytest.approx([-1])


@pytest.mark.parametrize("is_reentrant", [True, False])
def test_a_checkpoint_goes_back_within_a_pass_and_adds_nothing(is_reentrant, programs):
    name = "checkpointed_again" if is_reentrant else "checkpointed"
    watches = []

    def watching(model):
        watches.append(wg.watch(model, every=1))
        return watches[0]

    torch.manual_seed(0)
    programs[name](watching)
    for line, facts in zip(watches[0].run.history_lines, watches[0].run.facts, strict=True):
        (call,) = facts["losses"]
        assert line["loss"] == pytest.approx(call["value"], rel=1e-6) and call["weight"] == 1


def test_show_and_report_say_what_the_loss_is_made_of():
    run, _ = watched(STEPS["terms"])
    assert told_loss(run) == (
        "Loss that was trained, at step 1: 3.634 = 1.134 (1 × cross_entropy) − 0.5 (−0.5 × "
        "mse_loss) + 3 (other terms)."
    )
    assert told_loss(run) in run.report().read_text()
    plain, _ = watched(STEPS["own"])
    assert told_loss(plain) == "Loss that was trained, at step 1: 1.133."
