import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HIT_IN_A_DESTRUCTOR = """
import signal, time
from tidemill.interrupts import stop_on

class Slow:
    def __del__(self):
        print("in a destructor", flush=True)
        time.sleep(60)

stop_on(signal.SIGTERM)
try:
    Slow()
    time.sleep(60)
except KeyboardInterrupt:
    print("stopped", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_hits_a_destructor_still_stops_the_command(number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HIT_IN_A_DESTRUCTOR], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "in a destructor\n"
        running.send_signal(number)
        out, _ = running.communicate(timeout=20)
    assert (running.returncode, out) == (0, "stopped\n")
