import os
import subprocess
import sys

import psutil

from streaming.same_process import same_process


def test_a_living_process_is_recognised_by_its_id_and_start():
    assert same_process(os.getpid(), psutil.Process().create_time())
    assert same_process(os.getpid(), psutil.Process().create_time() + 20), "the clock was set"


def test_an_id_that_was_given_to_another_process_is_not_the_recorded_one():
    assert not same_process(os.getpid(), psutil.Process().create_time() - 3600)


def test_a_record_without_a_start_is_read_by_its_id():
    assert same_process(os.getpid(), None)


def test_a_process_that_ended_is_gone_whether_or_not_it_was_waited_for():
    with subprocess.Popen([sys.executable, "-c", "pass"], stdout=subprocess.PIPE) as ended:
        created = psutil.Process(ended.pid).create_time()
        ended.stdout.read()
        while psutil.Process(ended.pid).status() != psutil.STATUS_ZOMBIE:
            pass
        assert not same_process(ended.pid, created)
    assert not same_process(ended.pid, created)
