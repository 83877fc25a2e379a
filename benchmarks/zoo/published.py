"""Published training programs: which are tried, and what stands in for what they would fetch."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Program:
    """A script of a public repository.

    Attributes:
        repository: ``OWNER/NAME``.
        script: its path there; it runs in its own folder.
        arguments: that keep it short.
        prepare: makes, in that folder, what it would fetch.
        times: what in its output tells how long something took, as a regular expression.
        timed: names of files that hold such times, as a pattern.
        path: a folder of the repository that is on Python's path.
        variant: those of its arguments that tell it from another row.
    """

    repository: str
    script: str
    arguments: tuple[str, ...] = ()
    prepare: Callable[[Path], None] = lambda folder: None
    times: str = ""
    timed: str = ""
    path: str = ""
    variant: str = ""

    @property
    def name(self) -> str:
        """What it is called in tables."""
        return f"{self.repository}/{self.script} {self.variant}".strip()


def digits(folder: Path, root: str = "../data") -> None:
    """Write random pictures in the form of MNIST.

    Args:
        root: the folder of data, as the script names it.
    """
    place = folder / root / "MNIST" / "raw"
    place.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    for part, count in (("train", 512), ("t10k", 128)):
        pixels = rng.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        labels = rng.integers(0, 10, count, dtype=np.uint8)
        head = np.array([0x803, count, 28, 28], ">u4").tobytes()
        (place / f"{part}-images-idx3-ubyte").write_bytes(head + pixels.tobytes())
        head = np.array([0x801, count], ">u4").tobytes()
        (place / f"{part}-labels-idx1-ubyte").write_bytes(head + labels.tobytes())


def letters(folder: Path) -> None:
    """Write random letters as nanoGPT's preparation leaves them."""
    place = folder / "data" / "shakespeare_char"
    rng = np.random.default_rng(0)
    for part, count in (("train", 5000), ("val", 1000)):
        rng.integers(0, 65, count).astype(np.uint16).tofile(place / f"{part}.bin")


def sentences(folder: Path) -> None:
    """Write random words, a sentence a line, in the place of WikiText-2."""
    rng = np.random.default_rng(0)
    for part, count in (("train", 120), ("valid", 20), ("test", 20)):
        lines = (" ".join(f"w{n}" for n in rng.integers(0, 200, 12)) for _ in range(count))
        (folder / "data" / "wikitext-2" / f"{part}.txt").write_text("\n".join(lines) + "\n")


def citations(folder: Path) -> None:
    """Write random papers with words and citations in the form of Cora."""
    place, rng = folder.parent / "data" / "cora", np.random.default_rng(0)
    count, kinds = 1600, np.array([f"kind{n}" for n in range(7)])
    words = (rng.random((count, 60)) < 0.1).astype(int)
    rows = np.column_stack([np.arange(count), words, rng.choice(kinds, count)])
    np.savetxt(place / "cora.content", rows, fmt="%s", delimiter="\t")
    np.savetxt(place / "cora.cites", rng.integers(0, count, (4000, 2)), fmt="%d", delimiter="\t")


SMALL_GPT = (
    *("config/train_shakespeare_char.py", "--device=cpu", "--compile=False", "--eval_iters=2"),
    *("--block_size=32", "--batch_size=4", "--n_layer=2", "--n_head=2", "--n_embd=32"),
    *("--max_iters=40", "--lr_decay_iters=40", "--eval_interval=20", "--log_interval=10"),
)
ADDER = ("--data.ndigit=1", "--model.model_type=gpt-nano", "--trainer.max_iters=60")
EXAMPLES, OLD, MADE = "pytorch/examples", "jcjohnson/pytorch-examples", "karpathy/makemore"
TUTORIAL, GANS = "yunjey/pytorch-tutorial", "eriklindernoren/PyTorch-GAN"
ONE_EPOCH = ("--epochs", "1", "--log-interval", "2")
ONE_OF_GAN = ("--n_epochs", "2", "--n_cpu", "0", "--sample_interval", "5")
TWO_UP = partial(digits, root="../../data")
OF_GAN = partial(digits, root="../../data/mnist")
HERE = partial(digits, root="data")
OF_WORDS = ("--emsize", "16", "--nhid", "16", "--epochs", "1", "--log-interval", "5")
WORDS = {"prepare": sentences, "times": r"ms/batch +[\d.]+|time: +[\d.]+s"}
MADE_OF = {"times": r"step time [\d.]+ms", "timed": "events.out.tfevents.*"}
AGENT = ("--no-cuda", "--total-timesteps", "1024", "--num-steps", "64")
PROGRAMS = (
    Program(OLD, "autograd/two_layer_net_autograd.py"),
    Program(OLD, "autograd/two_layer_net_custom_function.py"),
    Program(OLD, "nn/two_layer_net_nn.py"),
    Program(OLD, "nn/two_layer_net_optim.py"),
    Program(OLD, "nn/two_layer_net_module.py"),
    Program(OLD, "nn/dynamic_net.py"),
    Program(EXAMPLES, "regression/main.py"),
    Program(EXAMPLES, "mnist/main.py", ("--no-accel", *ONE_EPOCH), digits),
    Program(EXAMPLES, "mnist_rnn/main.py", ONE_EPOCH, digits),
    Program(EXAMPLES, "mnist_forward_forward/main.py", ("--no_accel", "--epochs", "20"), HERE),
    Program(EXAMPLES, "siamese_network/main.py", ("--no-accel", *ONE_EPOCH), digits),
    Program(EXAMPLES, "vae/main.py", ONE_EPOCH, digits),
    Program(EXAMPLES, "word_language_model/main.py", OF_WORDS, **WORDS),
    Program(
        EXAMPLES,
        "word_language_model/main.py",
        ("--model", "Transformer", "--use-optimizer", *OF_WORDS),
        variant="--model Transformer",
        **WORDS,
    ),
    Program(
        EXAMPLES, "dcgan/main.py", ("--dataset", "fake", "--dry-run", "--ngf", "8", "--ndf", "8")
    ),
    Program(TUTORIAL, "tutorials/01-basics/linear_regression/main.py"),
    Program(TUTORIAL, "tutorials/01-basics/logistic_regression/main.py", (), TWO_UP),
    Program(TUTORIAL, "tutorials/01-basics/feedforward_neural_network/main.py", (), TWO_UP),
    Program(TUTORIAL, "tutorials/02-intermediate/convolutional_neural_network/main.py", (), TWO_UP),
    Program(TUTORIAL, "tutorials/02-intermediate/recurrent_neural_network/main.py", (), TWO_UP),
    Program(TUTORIAL, "tutorials/03-advanced/variational_autoencoder/main.py", (), TWO_UP),
    Program(GANS, "implementations/gan/gan.py", ONE_OF_GAN, OF_GAN),
    Program(GANS, "implementations/wgan_gp/wgan_gp.py", ONE_OF_GAN, OF_GAN),
    Program(GANS, "implementations/aae/aae.py", ONE_OF_GAN, OF_GAN),
    Program(
        "tkipf/pygcn",
        "pygcn/train.py",
        ("--epochs", "30"),
        citations,
        r"(time: |elapsed: )[\d.]+s",
        path=".",
    ),
    Program(
        "vwxyzjn/cleanrl", "cleanrl/ppo.py", AGENT, times=r"SPS: \d+", timed="events.out.tfevents.*"
    ),
    Program(
        MADE, "makemore.py", ("--n-embd", "16", "--device", "cpu", "--max-steps", "40"), **MADE_OF
    ),
    Program(
        MADE,
        "makemore.py",
        ("--type", "gru", "--device", "cpu", "--max-steps", "40"),
        variant="--type gru",
        **MADE_OF,
    ),
    Program(
        "karpathy/minGPT", "projects/adder/adder.py", ADDER, times=r"iter_dt [\d.]+ms", path="."
    ),
    Program("karpathy/nanoGPT", "train.py", SMALL_GPT, letters, r"time [\d.]+ms, mfu [-\d.]+%"),
)
