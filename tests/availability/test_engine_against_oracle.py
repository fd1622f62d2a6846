"""The sweep answers as the slow minute-by-minute oracle does: in six zones, when clocks change too."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conecta.availability.engine.assignment import Turn, choose
from conecta.availability.engine.explain import reasons
from conecta.availability.engine.free import free_ranges
from conecta.availability.engine.slots import Sweep
from tests.availability import oracle
from tests.availability.questions import ZONES, questions

each_zone = pytest.mark.parametrize("zone", sorted(ZONES))


def answered(question):
    return {offer.start: (set(offer.host_ids), offer.seats) for offer in Sweep(question).offers()}


@each_zone
@settings(max_examples=15)
@given(data=st.data())
def test_engine_offers_what_the_oracle_offers(zone, data):
    question = data.draw(questions(zone))
    assert answered(question) == oracle.offers(question)


@pytest.mark.trial
@each_zone
@settings(max_examples=400)
@given(data=st.data())
def test_engine_and_oracle_for_long(zone, data):
    question = data.draw(questions(zone))
    assert answered(question) == oracle.offers(question)


@settings(max_examples=10)
@given(question=questions("Europe/Madrid", zones=ZONES))
def test_hosts_in_different_zones(question):
    assert answered(question) == oracle.offers(question)


@each_zone
@settings(max_examples=10)
@given(data=st.data())
def test_a_period_cut_in_two_offers_the_same(zone, data):
    """Which days somebody asks about never moves a slot: that is what makes a listed slot bookable."""
    question = data.draw(questions(zone))
    middle = data.draw(st.integers(question.start // 60, question.end // 60)) * 60
    first = answered(replace(question, end=middle))
    second = answered(replace(question, start=middle))
    assert {**first, **second} == answered(question)


@each_zone
@settings(max_examples=20)
@given(data=st.data())
def test_explanation_and_choice_agree_with_the_offers(zone, data):
    """At one start, of which many are free: what is said of it, and who would give the appointment."""
    question = data.draw(questions(zone))
    if data.draw(st.integers(0, 4)) == 0:
        question = replace(question, rules=replace(question.rules, bypass=True, step=0, notice=None))
    free = [] if question.rules.bypass else sorted(answered(question))
    anywhere = st.integers(question.start // 60, question.end // 60 - 1).map(lambda minute: minute * 60)
    start = data.draw(st.one_of(*([st.sampled_from(free)] * 2 if free else []), anywhere))
    asked = replace(question, start=start, end=start + 1)
    slow = oracle.Oracle(question)
    offer = slow.offer(start // 60)
    assert (reasons(asked) == []) is (offer is not None)
    turns = {host.id: (data.draw(st.integers(0, 3)), data.draw(st.integers(0, 3))) for host in asked.hosts}
    choice = choose(asked, {host: Turn(count, last) for host, (count, last) in turns.items()})
    assert (choice is None) is (offer is None)
    if choice is not None:
        team, first, room = slow.choice(start // 60, turns)
        assert (set(choice.host_ids), choice.room_id) == (team, room)
        assert first in {None, choice.host_ids[0]}


@each_zone
@settings(max_examples=5)
@given(data=st.data())
def test_free_ranges_are_what_appointments_could_cover(zone, data):
    question = data.draw(questions(zone))
    slow = oracle.Oracle(question)
    found = free_ranges(question, whole=False)
    assert {host: minutes(ranges, question) for host, ranges in found.of_hosts.items()} == slow.free()
    assert minutes(found.of_any, question) == set().union(*slow.free().values())
    hosts = tuple(replace(host, fixed=False) for host in question.hosts)
    alone = replace(question, hosts=hosts, rules=replace(question.rules, collective=False), provider=None)
    slow = oracle.Oracle(alone)
    whole = free_ranges(alone, whole=True)
    assert {host: minutes(ranges, alone) for host, ranges in whole.of_hosts.items()} == {
        host.id: slow.unoccupied(host) for host in hosts
    }


def minutes(ranges, question):
    """Return the minutes of the question's period that ranges cover whole."""
    covered = {minute for start, end in ranges for minute in range(start // 60, end // 60)}
    return {minute for minute in covered if question.start <= minute * 60 < question.end}
