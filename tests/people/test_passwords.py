"""Passwords: how they are hashed, off the event loop, and which ones are refused and why."""

import asyncio
import threading
import time

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.low_level import Type

from conecta.kit import language
from conecta.people.errors import PasswordRefused
from conecta.people.passwords import hashing, rules
from conecta.people.passwords import service as passwords

from .arrange import PASSWORD, whoami

ABOUT = ["marta.soler@bufete-valls.example", "Marta Soler Ríos", "Bufete Valls & Asociados"]


def stored_hash(superuser, person) -> str:
    (found,) = superuser.execute(
        "select hash from person_passwords where person_id = %s", [person.id]
    ).fetchone()
    return found


# --- hashing ------------------------------------------------------------------------------------------


async def test_hash_is_argon2id_with_the_recommended_parameters(person, superuser):
    found = extract_parameters(stored_hash(superuser, person))
    assert found.type is Type.ID
    assert found.memory_cost >= 19 * 1024
    assert found.time_cost >= 2
    assert (found.parallelism, found.hash_len, found.salt_len) == (1, 32, 16)


async def test_the_same_password_has_another_hash_each_time():
    assert await hashing.seal(PASSWORD) != await hashing.seal(PASSWORD)


async def test_hash_of_older_parameters_is_renewed_at_sign_in(app, browser, person, superuser):
    old = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(hashing.normal(PASSWORD))
    superuser.execute("update person_passwords set hash = %s", [old])
    await browser.sign_in(person.email, "not the password")
    assert stored_hash(superuser, person) == old
    await browser.sign_in(person.email, PASSWORD)
    renewed = stored_hash(superuser, person)
    assert extract_parameters(renewed).memory_cost == hashing.MEMORY_KIB
    assert await hashing.fits(PASSWORD, renewed)
    assert (await whoami(app, browser)).person_id == person.id


async def test_damaged_hash_fits_nothing(app, browser, person, superuser):
    superuser.execute("update person_passwords set hash = 'damaged'")
    assert (await browser.sign_in(person.email, PASSWORD)).status == 422


async def test_hashing_happens_in_threads_of_its_own():
    thread = await hashing.in_thread(threading.current_thread)
    assert thread.name.startswith("passwords")
    assert thread is not threading.current_thread()


async def test_event_loop_goes_on_while_passwords_are_hashed():
    longest, done = 0.0, False

    async def watch() -> None:
        nonlocal longest
        while not done:
            before = time.perf_counter()
            await asyncio.sleep(0)
            longest = max(longest, time.perf_counter() - before)

    started = time.perf_counter()
    watching = asyncio.create_task(watch())
    await asyncio.gather(*(hashing.fits(PASSWORD, None) for _ in range(12)))
    took = time.perf_counter() - started
    done = True
    await watching
    # Twelve hashes one after another on the loop would have been one long pause each.
    assert longest < took / 4


# --- which are refused --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("", "al menos 10 caracteres"),
        ("corta-7!x", "al menos 10 caracteres"),
        ("x" * 201, "200 caracteres como mucho"),
        ("password123", "filtraciones"),
        ("contraseña2026", "filtraciones"),
        ("Bienvenido1", "filtraciones"),
        ("realmadrid10", "filtraciones"),
        ("aaaaaaaaaaaaaa", "repite"),
        ("abcabcabcabc", "repite"),
        ("abcdefghijkl", "series"),
        ("qwertyuiop[]", "Es fácil de adivinar"),
        ("17/05/198417", "Es fácil de adivinar"),
        ("martasoler1", "tu correo, tu nombre"),
        ("Soler-Ríos-26", "tu correo, tu nombre"),
        ("bufetevalls2026", "tu correo, tu nombre"),
        ("marta.soler@bufete-valls.example", "tu correo, tu nombre"),
    ],
)
async def test_weak_password(password, reason):
    with pytest.raises(PasswordRefused) as refused:
        await passwords.prepare_password(password, about=ABOUT)
    assert reason in refused.value.text.es
    assert refused.value.text.en != refused.value.text.es


@pytest.mark.parametrize(
    "password",
    [
        PASSWORD,
        "x9#Lq2vT8!",
        "perro azul corre lento",
        "ñandú-über-ópera-7",
        "🦊🌲🚲🎹🧵🪁🥁🛶🧭🪴",
        "Kq7" + "z4!Lm9@Rt2#" * 17,
        "correct horse battery staple river",
        "Marta riega 9 begonias",
    ],
)
async def test_good_password(password):
    new = await passwords.prepare_password(password, about=ABOUT)
    assert await hashing.fits(password, new.sealed)
    assert not await hashing.fits(password + ".", new.sealed)


async def test_composed_and_decomposed_letters_are_the_same():
    new = await passwords.prepare_password("o\u0301pera-nun\u0303ez-91-viento", about=[])
    assert await hashing.fits("ópera-nuñez-91-viento", new.sealed)


def test_length_counts_letters_as_people_do():
    assert "al menos 10" in rules.weakness("é" * 9, about=[]).es
    # Nine letters with their marks apart are still nine.
    assert "al menos 10" in rules.weakness("e\u0301" * 9, about=[]).es


def test_judging_the_longest_password_is_quick():
    started = time.perf_counter()
    for password in ("aB3$" * 50, "1234567890" * 20, "contraseña" * 20, "q" * 200, "áéíóú" * 40):
        rules.weakness(password, about=[*ABOUT, "x" * 5000, "a b c " * 300])
    assert time.perf_counter() - started < 5


def test_reason_is_told_in_both_languages():
    refused = rules.weakness("password123", about=[])
    language.speak("en")
    try:
        assert "have been in leaks" in str(refused)
    finally:
        language.speak("es")
    assert "filtraciones" in str(refused)
