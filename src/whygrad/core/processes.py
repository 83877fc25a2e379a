"""Many processes that train one network: how they find and join one another, and agree.

Every process runs the same command. The first alone writes, prints and looks at a clock; what it
has decided, the others hear from it: :func:`agreed`. JAX's service joins them, notices when one of
them is lost, and then ends the rest.
"""

import json
import os
from dataclasses import asdict, dataclass
from typing import Any

from whygrad.core import backend, jax_private
from whygrad.errors import BackendError, OptionError, in_short
from whygrad.settings import Range

JOIN_SECONDS = 300  # for all to have come, unless the variable WHYGRAD_JOIN_SECONDS says other
HEARTBEAT_SECONDS = 30  # without a sign of life, after which a process is lost
HEARING_MS = 7 * 24 * 3600 * 1000  # the first may load data for hours; if it is lost, JAX says so
LOOPBACK = "127.0.0.1"
AT_HOME = (LOOPBACK, "localhost")
# how Kubeflow's trainer tells a container of its job: coordinator, processes, process
OF_TRAINER = ("JAX_COORDINATOR_ADDRESS", "JAX_NUM_PROCESSES", "JAX_PROCESS_ID")
# in what XLA says of an operation over processes of which one is gone
OF_LOSS = ("Gloo", "NCCL", "coordination", "UNAVAILABLE", "DEADLINE_EXCEEDED", "ABORTED")

_ended_jobs = 0


@dataclass(frozen=True)
class Job:
    """What one of many processes must know to join the others.

    Attributes:
        coordinator: ``host:port``, where the first process listens.
        processes: how many there are.
        process: number of this one, from 0.
        devices: numbers of the devices that it may use, where a launcher starts one process a
            device; None for all that it sees.

    Raises:
        OptionError: one of them is none, or the process is not among them.
    """

    coordinator: str
    processes: int
    process: int
    devices: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        host, colon, port = self.coordinator.rpartition(":")
        if not (host and colon and port.isascii() and port.isdigit() and 0 < int(port) < 2**16):
            raise OptionError("error.coordinator", actual=self.coordinator)
        Range(int, 1).check("processes", self.processes)
        if not 0 <= self.process < self.processes:
            numbers = {"processes": self.processes, "last": self.processes - 1}
            raise OptionError("error.process_number", **numbers, actual=self.process)

    @classmethod
    def from_json(cls, text: str) -> "Job":
        """Return the job that :meth:`to_json` wrote."""
        told = json.loads(text)
        devices = told.pop("devices")
        return cls(**told, devices=None if devices is None else tuple(devices))

    def to_json(self) -> str:
        return json.dumps(asdict(self))


def found() -> Job:
    """Return the job that this process is part of, as its launcher tells.

    Kubeflow's trainer tells it in variables of the environment; Slurm, Open MPI and Kubernetes are
    asked by JAX.

    Raises:
        OptionError: no launcher is found.
    """
    told = [os.environ.get(name, "") for name in OF_TRAINER]
    if all(told) and all(number.isdigit() for number in told[1:]):
        return Job(told[0], int(told[1]), int(told[2]))
    try:
        coordinator, processes, process, devices = jax_private.detected_cluster(JOIN_SECONDS)
    except Exception as error:  # a variable that is no number, a service that does not answer
        raise OptionError("error.cluster_unreadable", problem=in_short(error)) from error
    if coordinator is None or processes is None or process is None:
        raise OptionError("error.no_cluster")
    return Job(coordinator, processes, process, None if devices is None else tuple(devices))


def join(job: Job) -> None:
    """Join the other processes of a job; to be called before JAX starts.

    Where they do not all come in time, JAX ends this process.

    Raises:
        BackendError: the first process cannot listen at its address, or JAX is running already.
    """
    import jax

    host, _, port = job.coordinator.rpartition(":")
    is_home = host in AT_HOME
    jax.config.update("jax_enable_preemption_service", False)  # it would take SIGTERM from us
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    if is_home:
        jax_private.speak_gloo_over(LOOPBACK)
    try:
        jax.distributed.initialize(
            job.coordinator,
            job.processes,
            job.process,
            local_device_ids=job.devices,
            initialization_timeout=join_seconds(),
            heartbeat_timeout_seconds=HEARTBEAT_SECONDS,
            # by itself it listens to every machine around
            coordinator_bind_address=f"{LOOPBACK}:{port}" if is_home else None,
            cluster_detection_method="deactivate",
        )
    except Exception as error:
        told = {"coordinator": job.coordinator, "problem": in_short(error)}
        raise BackendError("error.not_joined", **told) from error
    backend.start()  # all at the same time: they tell one another which devices they have


def leave() -> None:
    """Leave the job, once all its processes have come to this point."""
    if count() > 1:
        import jax

        jax.distributed.shutdown()


def count() -> int:
    """Return how many processes have joined; 1 without others, and without JAX."""
    return jax_private.joined()[1]


def number() -> int:
    """Return the number of this process, from 0."""
    return jax_private.joined()[0]


def is_first() -> bool:
    """Return whether this is the process that writes and prints."""
    return number() == 0


def job() -> int:
    """Return the number of the job under way, or else to come; 0 in a process without others."""
    return _ended_jobs + 1 if count() > 1 else 0


def end_job() -> None:
    """Count a job that has ended; every process does."""
    global _ended_jobs
    _ended_jobs += 1


def join_seconds() -> int:
    """Return how long processes wait for one another to come."""
    told = os.environ.get("WHYGRAD_JOIN_SECONDS", "")
    return int(told) if told.isascii() and told.isdigit() else JOIN_SECONDS


def agreed(name: str, value: Any) -> Any:
    """Return to every process what the first one has given.

    Args:
        name: used once.
        value: as JSON has it; that of the other processes does not count.
    """
    service = jax_private.joined()[2]
    if service is None:
        return value
    key = f"whygrad/{name}"
    if is_first():
        service.key_value_set(key, json.dumps(value))
        return value
    return json.loads(service.blocking_key_value_get(key, HEARING_MS))


def meet(name: str) -> None:
    """Wait for all processes to come to this point.

    Args:
        name: used once.
    """
    jax_private.joined()[2].wait_at_barrier(f"whygrad/{name}", HEARING_MS)


def wish_to_stop(job: int) -> None:
    """Tell the first process that this one was asked to stop."""
    service = jax_private.joined()[2]
    service.key_value_set(f"whygrad/{job}/wishes/{number()}", "stop", allow_overwrite=True)


def is_stop_wished(job: int) -> bool:
    """Return whether a process of a job was asked to stop; the first asks."""
    return bool(jax_private.joined()[2].key_value_dir_get(f"whygrad/{job}/wishes"))


def is_loss(error: BaseException) -> bool:
    """Return whether an error, of XLA, says that another process is gone."""
    said = str(error)
    return count() > 1 and any(word in said for word in OF_LOSS)
