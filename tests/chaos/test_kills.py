"""Whatever is killed, at whatever moment, nothing is lost and nothing is doubled."""

import pytest
from harness.aims import first_kills
from harness.kills import Killer
from harness.source import sending
from harness.stream import Stream, wait_until
from harness.truth import require_truth

pytestmark = pytest.mark.slow


def test_a_stream_killed_at_every_moment_of_a_batch_loses_and_doubles_nothing(stream, broker, chaos_seed):
    kills = first_kills(chaos_seed, 10)
    print(f"CHAOS_SEED={chaos_seed}: {'; '.join(map(str, kills))}")
    killer = Killer(stream, broker)
    with sending(stream.bootstrap, seed=chaos_seed) as sent:
        killed_while_the_table_is_made(stream)
        killer.carry_out(kills)
    killer.finish()
    require_truth(stream, sent)


def killed_while_the_table_is_made(stream: Stream) -> None:
    process = stream.start("--trigger=1s")
    wait_until((stream.table / "_delta_log").exists, "the table is made", process.require_alive, every_s=0.0005)
    process.kill_jvm()
