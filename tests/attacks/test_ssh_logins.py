"""Who guesses passwords holds nobody else up, and is refused in the end."""
from apdepot import PASSWORD, USER
from judges import Growth, cpu_seconds, judge_loop
from raw_ssh import Closed
from ssh_attacks import guess_on, guesses

FAIR = 8  # passwords that are judged before another address's; two are at any time, and some of the storm's were first


def may_log_in(there, source):
    """With the right password, if anybody listens to it there."""
    try:
        with there.connect(source) as ssh:
            return ssh.begin_login().try_password(USER, PASSWORD)
    except (Closed, ConnectionError):
        return False


def test_a_storm_of_guesses_does_not_hold_up_another_s_login(start, attackers, target):
    """The processor's time that passes meanwhile tells how many passwords were judged first."""
    server = start()
    there = target(server)
    before = cpu_seconds(server)
    assert may_log_in(there, "127.0.0.9")
    one = cpu_seconds(server) - before
    storm = attackers.submit(guesses, there, 50)
    server.wait_for_log("Failed password for .* from 127.0.0.2")
    before = cpu_seconds(server)
    assert may_log_in(there, "127.0.0.9")

    assert cpu_seconds(server) - before <= FAIR * one + 0.1
    storm.result()
    judge_loop(server)


def guess_often(there):
    for _ in range(2):
        guesses(there, 15, USER, "127.0.0.2")


def test_a_good_login_does_not_free_its_address_to_guess_others(start, target):
    """In the end not even the right password would do, but whoever has logged in there still may."""
    there = target(start())
    there.log_in(source="127.0.0.2").close()
    guess_often(there)
    assert not may_log_in(there, "127.0.0.2")
    there.log_in(source="127.0.0.2").close()


def test_a_stranger_s_guesses_are_refused_and_others_are_not(start, target):
    there = target(start())
    guess_often(there)
    assert not may_log_in(there, "127.0.0.2")
    assert may_log_in(there, "127.0.0.9")


def test_guesses_hold_neither_loop_nor_memory(start, under_attack):
    server = start()
    with Growth(server) as growth:
        under_attack(server, guess_on, 5, 50)
    assert growth.megabytes <= 96  # two or three are hashed at a time, 16 MB each
    judge_loop(server)
