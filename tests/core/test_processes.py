"""Which job a process is part of: as it is told, as its launcher tells, or none."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whygrad.core import processes
from whygrad.core.processes import Job, found
from whygrad.errors import OptionError

SLURM = {
    "SLURM_JOB_ID": "4097",
    "SLURM_STEP_NODELIST": "node[07-09,12]",
    "SLURM_NTASKS": "8",
    "SLURM_PROCID": "5",
    "SLURM_LOCALID": "1",
}
OPEN_MPI = {
    "OMPI_MCA_orte_hnp_uri": "20480.0;tcp://10.96.0.1,10.148.0.1:34911",
    "OMPI_COMM_WORLD_SIZE": "4",
    "OMPI_COMM_WORLD_RANK": "2",
    "OMPI_COMM_WORLD_LOCAL_RANK": "0",
}
TRAINER = {
    "JAX_COORDINATOR_ADDRESS": "job-node-0-0.job:29500",
    "JAX_NUM_PROCESSES": "3",
    "JAX_PROCESS_ID": "2",
}
LAUNCHERS = {
    "slurm": (SLURM, Job("node07:61441", 8, 5, (1,))),  # 65535 - 2^12 + 1 + 4097 mod 2^12
    "open mpi": (OPEN_MPI, Job("10.96.0.1:61445", 4, 2, (0,))),  # 20480 / 2^12 is 5
    "trainer": (TRAINER, Job("job-node-0-0.job:29500", 3, 2)),
}


@pytest.fixture
def alone(monkeypatch):
    """Take away what a launcher of the tests themselves may have told."""
    for name in list(os.environ):
        if name.startswith(("SLURM_", "OMPI_", "KUBERNETES_", "JAX_COORD", "JAX_NUM_PROC")):
            monkeypatch.delenv(name)


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_a_launcher_tells_the_job(alone, monkeypatch, launcher):
    told, job = LAUNCHERS[launcher]
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    assert found() == job


def test_without_a_launcher_there_is_no_job(alone):
    with pytest.raises(OptionError, match=r"^--distributed asks Slurm, Open MPI, .+ none of them"):
        found()


def test_a_launcher_that_tells_no_number_is_named(alone, monkeypatch):
    for name, value in (SLURM | {"SLURM_NTASKS": "many"}).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(OptionError, match=r"could not be asked: ValueError: .*many.*Say it yours"):
        found()


@given(
    host=st.from_regex(r"[a-z][a-z0-9.-]{0,20}|\[::1\]", fullmatch=True),
    port=st.integers(1, 65535),
    count=st.integers(1, 1000),
    data=st.data(),
)
def test_a_job_is_handed_on_as_it_is(host, port, count, data):
    number = data.draw(st.integers(0, count - 1))
    devices = data.draw(st.none() | st.lists(st.integers(0, 7)).map(tuple))
    job = Job(f"{host}:{port}", count, number, devices)
    assert Job.from_json(job.to_json()) == job


@pytest.mark.parametrize("address", ["", "node1", "node1:", ":80", "node1:0", "node1:65536", "a:²"])
def test_a_coordinator_has_a_host_and_a_port(address):
    with pytest.raises(OptionError) as raised:
        Job(address, 2, 0)
    assert str(raised.value) == (
        "The coordinator must be the address at which the first process listens, HOST:PORT with a "
        f"port from 1 to 65535, got {address}. Write it like --coordinator node1:12345, the same "
        "for every process."
    )


@pytest.mark.parametrize("number", [-1, 2, 7])
def test_a_process_is_one_of_them(number):
    with pytest.raises(OptionError, match=rf"^The processes have the numbers 0 to 1, .+{number}\."):
        Job("node1:80", 2, number)


def test_a_process_without_others_is_the_first_and_agrees_with_itself():
    assert (processes.count(), processes.number(), processes.job()) == (1, 0, 0)
    assert processes.is_first()
    assert processes.agreed("count", 7) == 7


@pytest.mark.parametrize(("told", "seconds"), [("", 300), ("12", 12), ("soon", 300), ("²", 300)])
def test_how_long_processes_wait_can_be_told(monkeypatch, told, seconds):
    monkeypatch.setenv("WHYGRAD_JOIN_SECONDS", told)
    assert processes.join_seconds() == seconds
