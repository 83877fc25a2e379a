"""Memory: the smallest of all limits counts, and what does not fit is refused in words."""

import resource
import subprocess
import sys

import pytest

from whygrad.core import memory
from whygrad.errors import InputError, TooLargeError
from whygrad.words import byte_size

MEMINFO = "MemTotal:       24684084 kB\nMemFree:  100 kB\nMemAvailable:   8000 kB\n"
STATUS = "Name:\tpython\nVmSize:\t   300 kB\nVmData:\t   100 kB\n"


@pytest.fixture
def system(tmp_path, monkeypatch):
    """Return a function that writes files of the kernel, on a machine with 8000 kB free."""
    endless = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    monkeypatch.setattr(resource, "getrlimit", lambda kind: endless)

    def write(**files):
        for name, text in {"proc/meminfo": MEMINFO, "proc/self/status": STATUS, **files}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return write


def test_a_machine_without_limits_gives_what_is_available(system):
    assert memory.free_memory(system()) == 8_000 * 1024


def test_a_container_gives_what_its_group_leaves_without_the_file_cache(system):
    group = "sys/fs/cgroup/user.slice/job"
    root = system(
        **{
            "proc/self/cgroup": "0::/user.slice/job\n",
            f"{group}/memory.max": "5000000\n",
            f"{group}/memory.high": "max\n",
            f"{group}/memory.current": "3000000\n",
            f"{group}/memory.stat": "anon 1000000\ninactive_file 1500000\n",
        }
    )
    assert memory.free_memory(root) == 3_500_000


def test_a_group_above_may_be_the_narrower_one(system):
    root = system(
        **{
            "proc/self/cgroup": "0::/a/b\n",
            "sys/fs/cgroup/a/b/memory.max": "5000000\n",
            "sys/fs/cgroup/a/memory.max": "2000000\n",
            "sys/fs/cgroup/a/memory.current": "500000\n",
        }
    )
    assert memory.free_memory(root) == 1_500_000


def test_a_group_that_is_mounted_as_the_root_is_found(system):
    root = system(
        **{
            "proc/self/cgroup": "4:memory:/docker/0123456789\n0::/\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "4000000\n",
            "sys/fs/cgroup/memory/memory.usage_in_bytes": "1000000\n",
            "sys/fs/cgroup/memory/memory.stat": "cache 7\ntotal_inactive_file 250000\n",
        }
    )
    assert memory.free_memory(root) == 3_250_000


def test_no_limit_of_a_group_is_no_limit(system):
    root = system(
        **{
            "proc/self/cgroup": "4:memory:/\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
        }
    )
    assert memory.free_memory(root) == 8_000 * 1024


@pytest.mark.parametrize(
    ("kind", "left"), [(resource.RLIMIT_AS, 700 * 1024), (resource.RLIMIT_DATA, 900 * 1024)]
)
def test_a_resource_limit_counts_what_is_taken_already(system, monkeypatch, kind, left):
    endless, narrow = resource.RLIM_INFINITY, 1000 * 1024
    monkeypatch.setattr(
        resource, "getrlimit", lambda asked: (narrow if asked == kind else endless, endless)
    )
    assert memory.free_memory(system()) == left


def test_more_is_taken_than_allowed_is_nothing_left(system):
    root = system(
        **{
            "proc/self/cgroup": "0::/\n",
            "sys/fs/cgroup/memory.max": "1000\n",
            "sys/fs/cgroup/memory.current": "2000\n",
        }
    )
    assert memory.free_memory(root) == 0


@pytest.mark.parametrize("text", ["", "nothing of a group\n", "4:memory\n", ":::\n"])
def test_odd_files_of_the_kernel_say_nothing(system, text):
    assert memory.free_memory(system(**{"proc/self/cgroup": text})) == 8_000 * 1024


def test_this_machine_tells_how_much_is_free():
    free = memory.free_memory()
    assert free is not None
    assert 1e6 < free < 1e15


def test_what_fits_is_let_pass(monkeypatch):
    monkeypatch.setattr(memory, "free_memory", lambda: 1000)
    memory.require_memory(900, "error.out_of_memory")


def test_what_does_not_fit_is_refused_before_it_is_held(monkeypatch):
    monkeypatch.setattr(memory, "free_memory", lambda: 1_000_000)
    with pytest.raises(TooLargeError) as caught:
        memory.require_memory(4.5e9, "error.out_of_memory", source="t.npz")
    assert isinstance(caught.value, InputError)
    assert isinstance(caught.value, MemoryError)
    assert caught.value.values == {"needed": "4.5 GB", "free": "1 MB", "source": "t.npz"}


def test_a_system_that_tells_nothing_refuses_nothing(monkeypatch):
    monkeypatch.setattr(memory, "free_memory", lambda: None)
    memory.require_memory(1e30, "error.out_of_memory")


def test_a_real_limit_is_seen():
    code = (
        "import resource as r; hard = r.getrlimit(r.RLIMIT_AS)[1];"
        "r.setrlimit(r.RLIMIT_AS, (300 << 20, hard));"
        "from whygrad.core.memory import free_memory; print(free_memory())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 0 < int(done.stdout) < 300 << 20


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (1_940_000, "1.94 MB"),
        (999_600, "1 MB"),
        (2e18, "2 EB"),
    ],
)
def test_sizes_are_written_in_decimal_units(count, text):
    assert byte_size(count) == text
