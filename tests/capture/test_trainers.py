"""Trainers that write the loop themselves: Lightning's and Hugging Face's, with a callback."""

import json
import subprocess
import sys
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import whygrad as wg
from whygrad.errors import RunError

pl = pytest.importorskip("lightning.pytorch")
transformers = pytest.importorskip("transformers")
pytestmark = [
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
    pytest.mark.filterwarnings("ignore:.*log_every_n_steps|.*logging interval"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning"),
]


class Module(pl.LightningModule):
    def __init__(self, fails_at: int | None = None):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))
        self.fails_at = fails_at

    def training_step(self, batch: tuple[Tensor, Tensor], number: int) -> Tensor:
        if number == self.fails_at:
            raise ArithmeticError("on purpose")
        return F.cross_entropy(self.net(batch[0]), batch[1])

    def validation_step(self, batch: tuple[Tensor, Tensor], number: int) -> None:
        self.log("validation", F.cross_entropy(self.net(batch[0]), batch[1]))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), 0.01)


def fitted(
    folder: Any, callbacks: list, *, validates: bool = True, **options: Any
) -> pl.LightningModule:
    torch.manual_seed(0)
    make = options.pop("make", Module)
    module = make(options.pop("fails_at")) if "fails_at" in options else make()
    x = torch.randn(64, 4)
    loader = DataLoader(TensorDataset(x, (x[:, 0] > 0).long() + (x[:, 1] > 0).long()), 16)
    trainer = pl.Trainer(
        max_epochs=3,
        callbacks=callbacks,
        logger=False,
        accelerator="cpu",
        default_root_dir=folder,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        **options,
    )
    trainer.fit(module, loader, loader if validates else None)
    return module


def same(one: nn.Module, other: nn.Module) -> bool:
    both = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(mine, theirs) for mine, theirs in both)


OPTIONS = [
    {},
    {"accumulate_grad_batches": 2},
    {"gradient_clip_val": 0.1},
    {"precision": "bf16-mixed"},
    {"precision": "bf16-mixed", "accumulate_grad_batches": 2, "gradient_clip_val": 0.1},
]


@pytest.mark.parametrize("options", OPTIONS)
def test_a_lightning_module_ends_in_the_same_numbers(tmp_path, options):
    watching = wg.watch_lightning(every=2)
    assert same(fitted(tmp_path, [watching], **options), fitted(tmp_path, [], **options))
    run = watching.run
    assert run.layers == ["net.0", "net.1", "net.3"]
    assert run.steps == 12 // options.get("accumulate_grad_batches", 1)
    assert run.description["state"] == "finished"
    assert "net.0.weight[1, 2]" in str(run.why("net.0.weight[1, 2]"))
    assert "in_eval_mode" not in [finding.kind for finding in run.doctor().findings]


class Adversaries(pl.LightningModule):
    """Two networks against each other, whose optimizers the module steps itself."""

    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.maker = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 4))
        self.judge = nn.Sequential(nn.Linear(4, 8), nn.LeakyReLU(0.2), nn.Linear(8, 1))

    def training_step(self, batch: tuple[Tensor, Tensor], number: int) -> None:
        of_maker, of_judge = self.optimizers()
        real, noise = batch[0], torch.randn_like(batch[0])
        self.toggle_optimizer(of_judge)
        made = self.maker(noise).detach()
        loss = F.softplus(-self.judge(real)).mean() + F.softplus(self.judge(made)).mean()
        of_judge.zero_grad()
        self.manual_backward(loss)
        self.clip_gradients(of_judge, 0.5, "norm")
        of_judge.step()
        self.untoggle_optimizer(of_judge)
        self.toggle_optimizer(of_maker)
        of_maker.zero_grad()
        self.manual_backward(F.softplus(-self.judge(self.maker(noise))).mean())
        of_maker.step()
        self.untoggle_optimizer(of_maker)

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        return [torch.optim.Adam(part.parameters(), 0.01) for part in (self.maker, self.judge)]


def test_two_optimizers_that_the_module_steps_itself(tmp_path):
    watching = wg.watch_lightning(every=2)
    mine, other = (
        fitted(tmp_path, callbacks, make=Adversaries, validates=False)
        for callbacks in ([watching], [])
    )
    assert same(mine, other)
    run = watching.run
    assert run.coverage().share == 1
    assert {"maker.0", "maker.3", "judge.0", "judge.2"} <= set(run.layers)


LIGHTNING = """
import lightning.pytorch as pl, torch, torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

class Module(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 3))

    def training_step(self, batch, number):
        loss = F.cross_entropy(self.net(batch[0]), batch[1])
        print(loss.item())
        return loss

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), 0.01)

pl.seed_everything(0)
x = torch.randn(64, 4)
rows = DataLoader(TensorDataset(x, (x[:, 0] > 0).long()), 16, shuffle=True)
module = Module()
quiet = dict(logger=False, enable_checkpointing=False, enable_progress_bar=False)
pl.Trainer(max_epochs=3, accelerator="cpu", enable_model_summary=False, **quiet).fit(module, rows)
torch.save(module.state_dict(), "net.pt")
"""
ACCELERATE = """
import torch, torch.nn.functional as F
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

set_seed(0)
accelerator = Accelerator(cpu=True, gradient_accumulation_steps=2, mixed_precision="bf16")
x = torch.randn(64, 4)
rows = DataLoader(TensorDataset(x, (x[:, 0] > 0).long()), 16, shuffle=True)
net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 3))
net, optimizer, rows = accelerator.prepare(net, torch.optim.Adam(net.parameters(), 0.01), rows)
for epoch in range(6):
    for batch, y in rows:
        with accelerator.accumulate(net):
            loss = F.cross_entropy(net(batch), y)
            accelerator.backward(loss)
            if accelerator.sync_gradients:
                accelerator.clip_grad_norm_(net.parameters(), 0.5)
            optimizer.step()
            optimizer.zero_grad()
            print(loss.item())
torch.save(accelerator.unwrap_model(net).state_dict(), "net.pt")
"""


@pytest.mark.parametrize("program", [LIGHTNING, ACCELERATE], ids=["lightning", "accelerate"])
def test_a_script_ends_the_same_when_it_is_watched_from_outside(tmp_path, program):
    if program is ACCELERATE:
        pytest.importorskip("accelerate")
    left = []
    for way in ((), ("-m", "whygrad", "watch", "--json", "--every", "3", "--out", "run")):
        folder = tmp_path / ("watched" if way else "plain")
        folder.mkdir()
        (folder / "train.py").write_text(program)
        done = subprocess.run(
            [sys.executable, *way, "train.py"], cwd=folder, capture_output=True, timeout=300
        )
        assert done.returncode == 0, done.stderr.decode()
        left.append((done.stdout, (folder / "net.pt").read_bytes()))
    assert left[0] == left[1]
    (told,) = json.loads(done.stderr.decode().splitlines()[-1])["models"]
    assert told["steps"] == 12 and told["recorded"] == 4


def test_what_lightning_recorded_before_it_failed_is_kept(tmp_path):
    watching = wg.watch_lightning(every=1, out=tmp_path / "run")
    with pytest.raises(ArithmeticError, match="on purpose"):
        fitted(tmp_path, [watching], fails_at=3)
    run = wg.open_run(tmp_path / "run")
    assert run.steps == 3 and run.description["failure"]["kind"] == "ArithmeticError"


@pytest.mark.parametrize("options", [{}, {"accumulate_grad_batches": 2}])
def test_the_loss_is_what_lightning_trained(tmp_path, options, monkeypatch):
    told, backward = [], Tensor.backward

    def listening(loss, *args, **kwargs):
        told.append(loss.item())
        return backward(loss, *args, **kwargs)

    monkeypatch.setattr(Module, "backward", lambda self, loss, *a, **k: listening(loss, *a, **k))
    watching = wg.watch_lightning(every=1)
    fitted(tmp_path, [watching], **options)
    count = options.get("accumulate_grad_batches", 1)
    sums = [sum(told[at : at + count]) for at in range(0, len(told), count)]
    assert watching.run.history["loss"].tolist() == pytest.approx(sums, rel=1e-6)


def bert(folder: Any, callbacks: list) -> nn.Module:
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=30,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        num_labels=2,
        max_position_embeddings=16,
    )
    model = transformers.BertForSequenceClassification(config)
    tokens = torch.randint(30, (32, 8))
    rows = [{"input_ids": row, "labels": (row[0] > 14).long()} for row in tokens]
    arguments = transformers.TrainingArguments(
        output_dir=str(folder / "out"),
        num_train_epochs=2,
        per_device_train_batch_size=8,
        gradient_accumulation_steps=2,
        learning_rate=1e-3,
        report_to=[],
        use_cpu=True,
        disable_tqdm=True,
        save_strategy="no",
    )
    transformers.Trainer(model, arguments, train_dataset=rows, callbacks=callbacks).train()
    return model


def test_a_model_of_hugging_faces_ends_in_the_same_numbers(tmp_path):
    watching = wg.watch_trainer(every=1, out=tmp_path / "run")
    assert same(bert(tmp_path, [watching]), bert(tmp_path, []))
    run = wg.open_run(tmp_path / "run")
    assert run.steps == 4 and run.description["state"] == "finished"
    layers = set(run.layers)
    block = "bert.encoder.layer.0"
    assert {"classifier", "bert.embeddings.word_embeddings"} <= layers
    assert {f"{block}.attention.self.query", f"{block}.output.LayerNorm"} <= layers
    query = run.why(f"{block}.attention.self.query.weight[1, 2]").to_dict()
    product = 1.0
    for factor in query["factors"]:
        product *= factor["value"]
    assert product == pytest.approx(abs(query["gradient"]), rel=1e-3)
    assert "softmax_twice" not in [finding.kind for finding in run.doctor().findings]
    for line, facts in zip(run.history_lines, run.facts, strict=True):
        # of two batches; whether the Trainer divides them by two is a matter of its version
        parts = [call["weight"] * call["value"] for call in facts["losses"]]
        assert len(parts) == 2 and line["loss"] == pytest.approx(sum(parts), rel=1e-5)
        assert line["loss"] == pytest.approx(sum(facts["backwards"]), rel=1e-6)


@pytest.mark.parametrize("callback", [wg.watch_lightning, wg.watch_trainer])
def test_before_training_there_is_no_run(callback):
    with pytest.raises(RunError, match="train first"):
        _ = callback().run
