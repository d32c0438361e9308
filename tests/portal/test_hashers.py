"""Passwords are hashed two at a time, so that many who sign in at once do not use up the memory."""

from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore, Event, Lock, Semaphore

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher as Django
from django.contrib.auth.hashers import check_password, make_password
from django.test import Client

from portal import hashers
from portal.models import User
from tests.demo import HELPDESK
from tests.pages import Page, sign_in
from tests.races import LONG_ENOUGH
from tests.workers import wait_until


@pytest.fixture
def counted(monkeypatch):
    """Django's hasher, with how many run at once, and how many did at most; each waits to be let go."""
    count = {"now": 0, "most": 0}
    lock, go = Lock(), Event()

    def run(*args):
        with lock:
            count["now"] += 1
            count["most"] = max(count["most"], count["now"])
        go.wait(0.05)
        with lock:
            count["now"] -= 1
        return "argon2$x"

    monkeypatch.setattr(Django, "encode", run)
    monkeypatch.setattr(Django, "verify", run)
    count["go"] = go
    return count


@pytest.mark.parametrize("act", ["encode", "verify"])
def test_sixteen_at_once_are_hashed_two_at_a_time(counted, act, monkeypatch):
    monkeypatch.setattr(hashers, "_waiting", BoundedSemaphore(16))
    hasher = hashers.Argon2PasswordHasher()
    with ThreadPoolExecutor(16) as threads:
        done = list(threads.map(lambda one: getattr(hasher, act)("word", str(one)), range(16)))
    assert done == ["argon2$x"] * 16
    assert counted["most"] == hashers.AT_ONCE == 2


def test_one_waits_and_the_others_are_told_at_once(monkeypatch):
    """Four threads has a process: however many sign in, one of them is free for everyone else."""
    begun, go = Semaphore(0), Event()

    def run(*args):
        begun.release()
        assert go.wait(LONG_ENOUGH)
        return "argon2$x"

    monkeypatch.setattr(Django, "encode", run)
    hasher = hashers.Argon2PasswordHasher()
    with ThreadPoolExecutor(8) as threads:
        done = [threads.submit(hasher.encode, "word", str(one)) for one in range(8)]
        for _ in range(hashers.AT_ONCE):
            assert begun.acquire(timeout=LONG_ENOUGH)
        wait_until(lambda: sum(one.done() for one in done) == 5)
        go.set()
    outcomes = [one.exception() for one in done]
    assert sum(isinstance(one, hashers.TooBusy) for one in outcomes) == 5
    assert outcomes.count(None) == hashers.AT_ONCE + hashers.MOST_WAITING == 3


def test_one_that_fails_leaves_its_place(monkeypatch):
    def fail(*args):
        raise MemoryError

    monkeypatch.setattr(Django, "encode", fail)
    monkeypatch.setattr(hashers, "MOST_SECONDS", 0.01)
    for _ in range(5):
        with pytest.raises(MemoryError):
            hashers.Argon2PasswordHasher().encode("word", "salt")


def test_the_hashes_are_django_s(settings):
    settings.PASSWORD_HASHERS = ["portal.hashers.Argon2PasswordHasher"]
    made = make_password("barrel-of-apples")
    assert made.startswith("argon2$argon2id$")
    assert check_password("barrel-of-apples", made)
    assert Django().verify("barrel-of-apples", made)
    assert not check_password("barrel-of-pears", made)


@pytest.fixture
def full(settings, monkeypatch):
    """All places are taken, by passwords that take for ever."""
    settings.PASSWORD_HASHERS = ["portal.hashers.Argon2PasswordHasher"]
    monkeypatch.setattr(hashers, "MOST_SECONDS", 0.01)
    for _ in range(hashers.AT_ONCE):
        assert hashers._places.acquire(timeout=1)
    yield
    for _ in range(hashers.AT_ONCE):
        hashers._places.release()


@pytest.mark.parametrize(
    ("language", "heading"), [("en", "Not available at present"), ("de", "Zurzeit nicht verfügbar")]
)
@pytest.mark.parametrize("email", [HELPDESK, "nobody@nowhere.example"])
def test_who_would_wait_too_long_is_told_so(demo, full, nothing_written, email, language, heading):
    User.objects.filter(email=HELPDESK).update(
        password="argon2$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$AAAA"
    )
    browser = Client(headers={"accept-language": language})
    with nothing_written():
        answer = sign_in(browser, email)
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert Page(answer).heading == heading


def test_an_attempt_that_was_not_checked_does_not_count(demo, full):
    browser = Client(headers={"accept-language": "en"})
    for _ in range(6):
        assert sign_in(browser, "nobody@nowhere.example").status_code == 503
