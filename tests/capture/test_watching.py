"""When a watch looks, what it says, and that it never stands in the way."""

import gc
import re
import warnings
import weakref
from contextlib import nullcontext
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import whygrad as wg
from whygrad.capture import layer_calls, writing
from whygrad.capture.torch_private import mode_stack
from whygrad.errors import AddressError, OptionError, RunError
from whygrad.render.report import material
from whygrad.words import t


def mlp() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3))


def step(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    optimizer.zero_grad()
    F.cross_entropy(model(torch.randn(8, 4)), torch.randint(0, 3, (8,))).backward()
    optimizer.step()


def trained(model: nn.Module, steps: int, **options) -> wg.WatchedRun:
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with wg.watch(model, **options) as watch:
        for _ in range(steps):
            step(model, optimizer)
    return watch.run


def test_every_tenth_step():
    run = trained(mlp(), 21, every=10)
    assert run.history["step"].tolist() == [0, 10, 20]
    assert run.steps == 21
    assert run.description["state"] == "finished"
    assert run.description["model"] == "Sequential"
    assert {"ratio", "share"} <= set(run.description["overhead"])


def test_it_can_be_read_while_it_is_written(tmp_path):
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    watch = wg.watch(model, every=1, out=tmp_path / "run").attach()
    step(model, optimizer)
    run = wg.open_run(tmp_path / "run")
    assert run.description["state"] == "training"
    assert watch.run.history["step"].tolist() == [0]  # asking waits for what is being written
    assert run.why("0.weight[5, 3]", step=0).step == 0
    step(model, optimizer)
    watch.detach()
    assert run.history["step"].tolist() == [0, 1]
    assert wg.open_run(tmp_path / "run").description["steps"] == 2


def test_an_exception_in_the_loop_passes_through_and_the_run_stays(tmp_path):
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with pytest.raises(ZeroDivisionError), wg.watch(model, every=1, out=tmp_path / "run"):
        step(model, optimizer)
        model(torch.randn(8, 4))
        raise ZeroDivisionError
    assert wg.open_run(tmp_path / "run").history["step"].tolist() == [0]
    assert not mode_stack()


def test_updates_by_hand():
    model = mlp()
    with wg.watch(model, every=1) as watch:
        for _ in range(3):
            F.cross_entropy(model(torch.randn(8, 4)), torch.randint(0, 3, (8,))).backward()
            grads = {name: p.grad.clone() for name, p in model.named_parameters()}
            with watch.update(), torch.no_grad():
                for parameter in model.parameters():
                    parameter -= 0.1 * parameter.grad
                    parameter.grad = None
    ledger = watch.run.why("0.weight[5, 3]")
    assert watch.run.steps == 3
    assert ledger.gradient == pytest.approx(float(grads["0.weight"][5, 3]))
    assert ledger.movement == pytest.approx(-0.1 * ledger.gradient, rel=1e-3, abs=1e-8)


def test_no_activation_outlives_its_step():
    model, kept = mlp(), []
    model[1].register_forward_hook(lambda m, i, o: kept.append(weakref.ref(o)))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with wg.watch(model, every=2) as watch:
        for _ in range(4):
            step(model, optimizer)
            gc.collect()
            assert not any(reference() is not None for reference in kept)
    assert watch.run.steps == 4


def test_only_the_optimiser_that_was_named():
    model = mlp()
    mine, other = (torch.optim.SGD(model.parameters(), 0.1) for _ in range(2))
    with wg.watch(model, every=1, optimizer=mine) as watch:
        step(model, mine)
        step(model, other)
        step(model, mine)
    assert watch.run.steps == 2


@pytest.mark.parametrize("way", ["whole", "part", "in place", "forward"])
def test_a_compiled_model_is_refused_unless_it_may_run_uncompiled(way):
    model = mlp()
    compiled, name = model, "Sequential"
    if way == "whole":
        compiled = torch.compile(model, backend="eager")
    elif way == "part":
        model[0], name = torch.compile(model[0], backend="eager"), "0"
    elif way == "in place":
        model.compile(backend="eager")
    else:
        model.forward = torch.compile(model.forward, backend="eager")
    with pytest.raises(OptionError) as caught:
        wg.watch(compiled, every=2)
    assert str(caught.value) == (
        f"wg.watch: expected a model that runs as it was written, got one that is compiled: {name}."
        " On the steps that are recorded it would run uncompiled, with other rounding and other "
        "random numbers in dropout. Pass uncompiled=True if that may be, or watch the model before "
        "it is compiled."
    )
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    watch = wg.watch(compiled, every=2, uncompiled=True).attach()
    for _ in range(3):
        step(compiled, optimizer)
    watch.detach()
    assert [layer.removesuffix("._orig_mod") for layer in watch.run.layers] == ["0", "2"]
    assert watch.run.history["step"].tolist() == [0, 2]


def test_a_model_that_is_compiled_on_the_way_ends_the_watch_and_not_the_training():
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with pytest.warns(UserWarning, match="got one that is compiled: Sequential"):
        with wg.watch(model, every=1) as watch:
            step(model, optimizer)
            model.compile(backend="eager")
            for _ in range(2):
                step(model, optimizer)
    assert watch.run.history["step"].tolist() in ([0], [0, 1])


def test_what_is_not_covered_is_named_once():
    class Own(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, w):
            ctx.save_for_backward(x, w)
            return x @ w

        @staticmethod
        def backward(ctx, delta):
            x, w = ctx.saved_tensors
            return delta @ w.T, x.T @ delta

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.ParameterList([torch.randn(4, 5)])
            self.head = nn.Linear(5, 3)

        def forward(self, x):
            return self.head(Own.apply(x, self.inner[0]))

    said = (
        "wg.watch does not take apart: inner. They train all the same, unanalysed; run.coverage() "
        "says why."
    )
    with pytest.warns(UserWarning, match=f"^{re.escape(said)}$") as warned:
        run = trained(Model(), 2, every=1)
    assert len(warned) == 1
    assert run.layers == ["head"]
    assert run.facts[0]["uncovered"] == run.description["uncovered"] == ["inner"]
    assert run.coverage().share == pytest.approx(18 / 38)
    assert list(run.coverage().missing) == ["inner.0"]


def test_a_weight_that_is_computed_and_a_parameter_that_stands_alone_are_layers(programs):
    model = mlp()
    nn.utils.parametrizations.weight_norm(model[2])
    run = trained(model, 2, every=1)
    assert run.coverage().share == 1
    kinds = {one["weight"]: one["kind"] for one in run.description["layers"].values()}
    path = "2.parametrizations.weight.original"
    assert [kinds[name] for name in (f"{path}0", f"{path}1", "2.bias")] == [
        "alone",
        "alone",
        "shift",
    ]
    watches = []
    programs["by_hand"](lambda model: watches.append(wg.watch(model, every=1)) or watches[0])
    assert watches[0].run.description["layers"]["shift"]["kind"] == "shift"


def test_a_parameter_beside_layers_is_one_of_its_own():
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner, self.scale = nn.Linear(4, 3), nn.Parameter(torch.ones(3))

        def forward(self, x):
            return self.inner(x) * self.scale

    run = trained(nn.Sequential(nn.Linear(4, 4), Block(), nn.PReLU(init=0.5)), 2, every=1)
    kinds = {name: one["kind"] for name, one in run.description["layers"].items()}
    assert kinds == {"0": "linear", "1.inner": "linear", "1.scale": "scale", "2": "alone"}


def test_a_model_that_is_not_there_yet():
    with pytest.raises(OptionError, match=r"0\.weight, 0\.bias"):
        wg.watch(nn.Sequential(nn.LazyLinear(3)))


def test_an_optimiser_that_takes_over_counts_on():
    model = mlp()
    with wg.watch(model, every=2) as watch:
        for _ in range(2):
            optimizer = torch.optim.SGD(model.parameters(), 0.1)
            for _ in range(6):
                step(model, optimizer)
    assert watch.run.steps in (11, 12)
    assert watch.run.history["step"].tolist() == [0, 2, 4, 6, 8, 10]


def test_a_layer_that_takes_over_is_explained():
    model = mlp()
    with wg.watch(model, every=1) as watch:
        for _ in range(2):
            model[2] = nn.Linear(6, 3)
            optimizer = torch.optim.SGD(model.parameters(), 0.1)
            for _ in range(4):
                step(model, optimizer)
    gradient = float(model[2].weight.grad[1, 2])
    assert watch.run.why("2.weight[1, 2]").gradient == pytest.approx(gradient, rel=1e-5)
    assert watch.run.facts[-1]["left_over"] == []


class Skipping(nn.Module):
    """A layer that not every step calls, and a loss that no function of torch's computes."""

    def __init__(self):
        super().__init__()
        self.inner, self.head, self.calls = nn.Linear(4, 4), nn.Linear(4, 3), 0

    def forward(self, x):
        self.calls += 1
        return self.head(torch.relu(self.inner(x)) if self.calls % 2 else x)


def test_a_layer_that_is_skipped_and_a_loss_that_nobody_sees():
    model = Skipping()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with wg.watch(model, every=1) as watch:
        for _ in range(4):
            loss = model(torch.randn(8, 4)).square().mean()
            used = [p for p in model.parameters() if model.calls % 2 or p.shape[0] == 3]
            for parameter, gradient in zip(used, torch.autograd.grad(loss, used), strict=True):
                parameter.grad = gradient
            optimizer.step()
            optimizer.zero_grad()
    assert watch.run.rows("inner")[0].tolist() == [0, 2]
    assert watch.run.rows("head")[0].tolist() == [0, 1, 2, 3]
    assert watch.run.history["loss"].notna().all()  # what ``torch.autograd.grad`` was called on
    assert watch.run.doctor().is_healthy
    assert watch.run.report().exists()


def test_a_report_says_what_the_doctor_says():
    model = mlp().append(nn.Softmax(dim=1))
    run = trained(model, 20, every=1)
    page = run.report().read_text()
    (found,) = run.doctor().findings
    assert page.index(t("report.diagnosis.title")) < page.index(t("report.layers.title"))
    assert found.kind == "softmax_twice"
    change = t("doctor.watched.change", line=t("doctor.softmax_twice.line"))
    assert re.sub("`(.*?)`", r"<code>\1</code>", change) in page


def test_a_report_of_a_deep_model_draws_some_layers_and_says_so(monkeypatch):
    monkeypatch.setattr(material, "LAYERS", 2)
    model = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 3), nn.Linear(3, 3), nn.Linear(3, 3))
    page = trained(model, 2, every=1).report().read_text()
    said = t("report.layers_drawn", drawn=2, layers=4)
    assert page.count(said.replace('"', "&quot;")) == 2
    assert page.count("neurons shown: 3 of 3") == 2


@pytest.mark.long
def test_a_report_names_every_kind_of_layer(programs):
    for name in ("generated", "attention"):
        kept = []

        def watching(model, kept=kept):
            kept.append(wg.watch(model, every=2))
            return kept[0]

        programs[name](watching)
        page = kept[0].run.report().read_text()
        kinds = {layer["kind"] for layer in kept[0].run.description["layers"].values()}
        assert all(t(f"watched.kind.{kind}") in page for kind in kinds)


def test_of_two_watched_models_each_sees_its_loss(programs):
    watches = []

    def watching(model):
        watches.append(wg.watch(model, every=1))
        return watches[-1]

    programs["adversarial"](watching)
    for watch in watches:
        assert watch.run.history["loss"].notna().all()
        assert watch.run.doctor().is_healthy


@pytest.mark.filterwarnings("ignore:wg.watch does not take apart")
def test_an_addition_by_hand_is_no_gradient_left_over(programs):
    """A bias outside of any layer has its gradient before the first layer has."""
    kept = []

    def watching(model):
        kept.append(wg.watch(model, every=1))
        return kept[0]

    programs["by_hand"](watching)
    assert all(facts["left_over"] == [] for facts in kept[0].run.facts)


def test_what_reaches_a_weight_beside_its_layer_is_a_stage_of_its_own():
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    x, y = torch.randn(8, 4), torch.randint(0, 3, (8,))
    F.cross_entropy(model(x), y).backward()
    own = float(model[0].weight.grad[5, 3])
    penalty = 2 * 0.05 * model[0].weight[5, 3].item()
    optimizer.zero_grad()
    with wg.watch(model, every=1) as watch:
        loss = F.cross_entropy(model(x), y) + 0.05 * model[0].weight.square().sum()
        loss.backward()
        optimizer.step()
    ledger = watch.run.why("0.weight[5, 3]")
    assert ledger.gradient == pytest.approx(own, rel=1e-5)
    assert [stage.name for stage in ledger.stages] == ["elsewhere", "learning_rate"]
    assert ledger.stages[0].after == pytest.approx(own + penalty, rel=1e-5)
    line = next(line for line in str(ledger).splitlines() if "elsewhere" in line)
    assert float(line.split()[-1].replace("−", "-")) == pytest.approx(penalty, rel=1e-3)
    assert ledger.update == pytest.approx(ledger.movement, rel=1e-4)
    assert [stage.name for stage in watch.run.why("2.weight[1, 2]").stages] == ["learning_rate"]


def asked_of(run: wg.WatchedRun) -> dict[str, float]:
    """Return by layer the norm of the gradient that the optimiser was given last."""
    return {name: layer["asked"] for name, layer in run.facts[-1]["layers"].items()}


def test_what_the_optimiser_is_given_is_told_without_the_factor_of_a_scaler():
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)
    with wg.watch(model, every=1) as watch:
        scaler.scale(model(torch.randn(8, 4)).square().mean()).backward()
        scaler.step(optimizer)
        scaler.update()
    given = {name: float(getattr(model, name).weight.grad.norm()) for name in ("0", "2")}
    assert asked_of(watch.run) == pytest.approx(given, rel=1e-5)


def test_what_the_optimiser_is_given_of_a_weight_with_two_uses_is_told_once(programs):
    model = programs["tied"](lambda model: nullcontext())
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    tokens = torch.randint(0, 9, (5, 4))
    with wg.watch(model, every=1) as watch:
        optimizer.zero_grad()
        model(tokens).square().mean().backward()
        optimizer.step()
    asked = asked_of(watch.run)
    length = float(model.embed.weight.grad.norm())
    assert [asked[name] for name in ("embed", "head")] == pytest.approx([length] * 2, rel=1e-5)


@pytest.mark.parametrize("penalty", [0, 1])
@pytest.mark.parametrize("calls", [1, 2])
def test_a_convolution_tells_its_part_before_it_is_clipped(calls, penalty):
    """The graph tells it; what is done to the parameter's gradient afterwards does not reach it."""
    convolution = nn.Conv2d(2, 2, 3, padding=1)
    optimizer = torch.optim.SGD(convolution.parameters(), 0.1)
    x = torch.randn(4, 2, 5, 5)

    def loss():
        inner = x
        for _ in range(calls):
            inner = convolution(inner).tanh()
        return inner.square().mean()

    own = float(torch.autograd.grad(loss(), convolution.weight)[0][1, 0, 2, 1])
    with wg.watch(convolution, every=1) as watch:
        (loss() + convolution.weight.square().sum() if penalty else loss()).backward()
        nn.utils.clip_grad_norm_(convolution.parameters(), 0.01)
        optimizer.step()
    ledger = watch.run.why("weight[1, 0, 2, 1]")
    assert ledger.gradient == pytest.approx(own, rel=1e-4)
    stages = ["elsewhere"] * penalty + ["between", "learning_rate"]
    assert [stage.name for stage in ledger.stages] == stages


def test_its_own_error_ends_the_watching_and_not_the_training(monkeypatch):
    def broken(*_):
        raise LookupError("nothing here")

    monkeypatch.setattr(layer_calls, "wide", broken)
    model = mlp()
    before = model[0].weight.clone()
    said = (
        "wg.watch stopped watching at step 0, because it met something that it cannot read: "
        "LookupError: nothing here. Training goes on as it is; what was recorded before is kept."
    )
    with pytest.warns(UserWarning, match=f"^{re.escape(said)}$") as warned:
        run = trained(model, 3, every=1)
    assert len(warned) == 1
    assert not torch.equal(model[0].weight, before)
    assert run.history.empty


def test_a_loss_that_is_no_number_is_recorded_as_such():
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), 1.0)
    with wg.watch(model, every=1) as watch:
        for _ in range(2):
            optimizer.zero_grad()
            (F.mse_loss(model(torch.randn(4, 4)), torch.zeros(4, 3)) * torch.inf).backward()
            optimizer.step()
    assert watch.run.steps == 2
    assert watch.run.history["loss"].isna().tolist() == [True, True]
    assert "NaN" in str(watch.run.why("2.weight[0, 0]"))


@pytest.mark.parametrize(
    ("error", "said", "options"),
    [
        (OptionError, "every must be a whole number >= 1, or auto, got 0. Choose how many steps "
         "lie between two recorded ones, or let their share of all time decide.", {"every": 0}),
        (OptionError, "every must be a whole number >= 1, or auto, got True. Choose how many steps "
         "lie between two recorded ones, or let their share of all time decide.", {"every": True}),
    ],
)  # fmt: skip
def test_options(error, said, options):
    with pytest.raises(error) as caught:
        wg.watch(mlp(), **options)
    assert str(caught.value) == said


def test_what_is_no_model():
    with pytest.raises(OptionError) as caught:
        wg.watch(lambda x: x)
    assert str(caught.value) == (
        "wg.watch takes a model that is a torch.nn.Module, got function. Pass the module that your "
        "loop calls."
    )


def test_a_folder_that_is_not_empty(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(RunError):
        wg.watch(mlp(), out=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_addresses_that_name_nothing():
    run = trained(mlp(), 1, every=1)
    for address, said in {
        "3.weight[0, 0]": "A watched model is asked for a weight, a bias, a neuron or a layer by "
        "the model's own names, such as 0.weight[0, 0]; got 3.weight[0, 0]. Its layers: 0, 2.",
        "0.weight[6, 0]": "0.weight[6, 0] does not fit 0.weight, whose shape is (6, 4). Give one "
        "number from 0 for every axis, in the order of the model.",
        "0[6]": "0[6] does not fit 0, whose shape is (6). Give one number from 0 for every axis, "
        "in the order of the model.",
    }.items():
        with pytest.raises(AddressError) as caught:
            run.why(address)
        assert str(caught.value) == said


def test_steps_and_samples_that_are_not_there():
    run = trained(mlp(), 3, every=1)
    with pytest.raises(AddressError) as caught:
        run.why("0", step=7)
    assert str(caught.value) == (
        "0 was not kept whole in step 7, so it cannot be explained there; steps kept of it: 3. "
        "Ask for step 2, the nearest, or watch with more room or a smaller every."
    )
    with pytest.raises(AddressError) as caught:
        run.anatomy(7)
    assert str(caught.value) == (
        "Step 7 was not kept whole, so its weights cannot be explained; steps kept: 3. Ask for "
        "step 2, the nearest, or watch with a smaller every."
    )
    with pytest.raises(AddressError) as caught:
        run.why("0", sample=1)
    assert str(caught.value) == (
        "A watched run holds no data, so the chain of one sample cannot be shown; got sample 1. "
        "Leave it out: the ledger lists the rows that pull most."
    )


def test_nothing_recorded():
    run = trained(mlp(), 0)
    with pytest.raises(AddressError):
        run.why("0")


def test_large_weights_are_kept_where_there_is_little_room_when_they_are_asked_for():
    model = nn.Sequential(nn.Linear(1500, 1000), nn.ReLU(), nn.Linear(1000, 2))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    runs = []
    for explain in ((), ("0",)):
        room = 20 if explain else 1
        with wg.watch(model, every=1, explain=explain, room=room) as watch:
            model(torch.randn(2, 1500)).sum().backward()
            optimizer.step()
        runs.append(watch.run)
    assert runs[0].why("2.weight[1, 5]").step == 0
    with pytest.raises(AddressError) as caught:
        runs[0].why("0.weight[1, 5]")
    assert str(caught.value) == (
        "No step that was kept whole holds 0: there was no room on the disk for its weights, or no "
        'gradient came back to it in these steps. Watch again with explain=["0"], more room or a '
        "smaller every, or ask for another layer."
    )
    assert runs[1].why("0.weight[1, 5]").step == 0


def test_a_layer_that_took_no_part_in_the_last_step_is_explained_at_the_last_in_which_it_did():
    model = nn.ModuleList([nn.Linear(3, 2), nn.Linear(3, 2)])
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with wg.watch(model, every=1) as watch:
        for head in (0, 1, 0):
            optimizer.zero_grad()
            model[head](torch.randn(4, 3)).sum().backward()
            optimizer.step()
    assert watch.run.why("0.weight[1, 2]").step == 2
    assert watch.run.why("1.weight[1, 2]").step == 1
    with pytest.raises(AddressError) as caught:
        watch.run.why("1.weight[1, 2]", step=2)
    assert str(caught.value) == (
        "No gradient came back to 1 in step 2, so there is nothing to explain. "
        "Ask for step 1, in which one did."
    )


def test_a_gradient_that_is_thrown_away_before_the_update_is_explained():
    model = mlp()
    optimizer = torch.optim.Adam(model.parameters(), 0.1)
    with wg.watch(model, every=1) as watch:
        for _ in range(2):
            model(torch.randn(4, model[0].in_features)).square().sum().backward()
            came = float(model[0].weight.grad[1, 2])
            optimizer.zero_grad()
            optimizer.step()
    ledger = watch.run.why("0.weight[1, 2]")
    assert ledger.gradient == pytest.approx(came, rel=1e-5)
    assert (ledger.movement, ledger.update) == (0.0, 0.0)
    assert "0" in str(watch.run.why("0")) and watch.run.report().is_file()


@pytest.mark.parametrize(("writes", "small"), [("write_tensors", 0), ("sealed_tensors", 2**20)])
def test_a_disk_that_is_full_ends_the_watch_and_not_the_training(monkeypatch, writes, small):
    def full(*_):
        raise OSError("no space left")

    monkeypatch.setattr(writing, "SMALL", small)
    monkeypatch.setattr(writing, writes, full)
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with pytest.warns(UserWarning, match="no space left"):
        with wg.watch(model, every=1):
            for _ in range(4):
                step(model, optimizer)


def test_the_watch_says_what_it_costs():
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with wg.watch(model, every=2) as watch:
        step(model, optimizer)
        assert "after a few more steps" in str(watch.overhead)
        for _ in range(6):
            step(model, optimizer)
    assert str(watch.overhead).startswith("A recorded step took")


def test_a_program_may_change_its_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with wg.watch(model, every=1, out="run") as watch:
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
        step(model, optimizer)
    assert watch.run.history["step"].tolist() == [0]
    assert wg.open_run(tmp_path / "run").steps == 1


@pytest.mark.parametrize(
    ("make", "forward", "uncovered"),
    [
        (lambda: nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2, dtype=torch.complex64)),
         lambda m, x: m[1](m[0](x).to(torch.complex64)).abs(), ["1"]),
        (lambda: nn.Sequential(nn.Linear(4, 0), nn.Linear(0, 3), nn.Linear(3, 3)),
         lambda m, x: m(x), ["0", "1.weight"]),
        (lambda: mlp(), lambda m, x: torch.vmap(m)(x), ["0", "2"]),
        (lambda: mlp(), lambda m, x: torch.func.functional_call(
            m, {name: 1.1 * p for name, p in m.named_parameters()}, (x,)), ["0", "2"]),
    ],
    ids=["complex", "empty", "vmap", "functional_call"],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
def test_what_cannot_be_taken_apart_is_named_and_ends_nothing(make, forward, uncovered):
    model = make()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with pytest.warns(UserWarning, match="does not take apart"), wg.watch(model, every=1) as watch:
        for _ in range(2):
            optimizer.zero_grad()
            forward(model, torch.randn(6, 4)).square().sum().backward()
            optimizer.step()
    assert watch.run.steps == 2
    assert watch.run.description["uncovered"] == uncovered
    assert set(watch.run.layers).isdisjoint(uncovered)


def test_gradients_of_single_samples():
    """By ``torch.func``, which hands tensors to the model that stand for others."""
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)

    def loss(parameters, x, y):
        return F.cross_entropy(torch.func.functional_call(model, parameters, (x[None],)), y[None])

    of_each = torch.vmap(torch.func.grad(loss), (None, 0, 0))
    with wg.watch(model, every=1) as watch:
        for _ in range(2):
            parameters = {name: p.detach() for name, p in model.named_parameters()}
            found = of_each(parameters, torch.randn(6, 4), torch.randint(0, 3, (6,)))
            step(model, optimizer)
            assert all(part.shape[0] == 6 for part in found.values())
    assert watch.run.layers == ["0", "2"]
    assert watch.run.steps == 2


def test_a_batch_without_samples():
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with wg.watch(model, every=1) as watch:
        F.cross_entropy(model(torch.randn(0, 4)), torch.zeros(0).long(), reduction="sum").backward()
        optimizer.step()
    assert watch.run.why("0.weight[1, 2]").gradient == 0


def test_layers_that_are_set_free_on_the_way_are_explained():
    model = mlp()
    model[0].requires_grad_(False)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with wg.watch(model, every=1) as watch:
        step(model, optimizer)
        assert "0.weight" not in watch.run.description["explainable"]
        model.requires_grad_(True)
        step(model, optimizer)
    assert watch.run.why("0.weight[1, 2]").step == 1


@pytest.mark.parametrize("what", ["model", "loss"])
def test_a_compiled_function_is_said_to_run_uncompiled(what):
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    loss = partial(F.mse_loss, target=torch.zeros(6, 3))
    if what == "model":
        compiled = torch.compile(lambda x: loss(model(x)), backend="eager")
    else:
        inner = torch.compile(loss, backend="eager")

        def compiled(x):
            return inner(model(x))

    said = (
        "wg.watch met a compiled function, which runs uncompiled on the steps that are recorded: "
        "its rounding and its random numbers may differ there. Pass uncompiled=True if "
        "that may be; this warning is then left out."
    )
    for options, expected in (({}, [said]), ({"uncompiled": True}, [])):
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            with wg.watch(model, every=2, **options) as watch:
                for _ in range(4):
                    optimizer.zero_grad()
                    compiled(torch.randn(6, 4)).backward()
                    optimizer.step()
        assert [str(one.message) for one in warned if "wg.watch" in str(one.message)] == expected
        assert watch.run.layers == ["0", "2"]
        assert watch.run.history["step"].tolist() == [0, 2]


def test_what_has_no_parameters():
    with pytest.raises(OptionError) as caught:
        wg.watch(nn.ReLU())
    assert str(caught.value) == (
        "wg.watch needs a model that has parameters, and ReLU has none. Pass the module that your "
        "loop trains."
    )


@pytest.mark.filterwarnings("ignore:.*torch.jit.script. is deprecated")
def test_a_scripted_model():
    model = torch.jit.script(mlp())
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with pytest.warns(UserWarning, match="does not take apart"), wg.watch(model, every=1) as watch:
        step(model, optimizer)
    assert watch.run.description["uncovered"] == ["0", "2"]


def test_a_gradient_that_another_optimizer_left_is_not_missed():
    """A judge is updated three times before the maker, whose gradients stay until then."""
    maker, judge = mlp(), nn.Linear(3, 1)
    model = nn.ModuleList([maker, judge])
    optimizers = [torch.optim.SGD(part.parameters(), 0.1) for part in model]
    with wg.watch(model, every=2) as watch:  # a warning would be an error here
        for turn in range(9):
            optimizers[1].zero_grad()
            judge(maker(torch.randn(8, 4)).detach()).square().mean().backward()
            optimizers[1].step()
            if turn % 3 == 0:
                optimizers[0].zero_grad()
                judge(maker(torch.randn(8, 4))).mean().backward()
                optimizers[0].step()
    assert watch.run.description["uncovered"] == []
    assert watch.run.coverage().share == 1 and watch.run.coverage().missing == {}
