"""`/booking-reminders`: when the firm reminds people."""

import pytest

USUAL = {"minutes_before": [1440, 120], "sms": False, "quiet_from": "22:00", "quiet_until": "08:00"}


async def test_a_firm_that_never_said_reminds_as_usual(api):
    answer = await api.get("/booking-reminders")
    assert answer.json() == USUAL
    assert answer.headers["etag"] == '"v0"'


async def test_what_is_left_out_stays(api, firm, app):
    changed = await api.patch(
        "/booking-reminders", json={"minutes_before": [30, 4320], "quiet_from": "21:30"}
    )
    wanted = {**USUAL, "minutes_before": [4320, 30], "quiet_from": "21:30"}
    assert (changed.status_code, changed.json()) == (200, wanted)
    changed = await api.patch("/booking-reminders", json={"sms": True})
    assert changed.json() == {**wanted, "sms": True}
    read = await api.get("/booking-reminders")
    assert (read.json(), read.headers["etag"]) == (changed.json(), changed.headers["etag"])
    async with firm.client(app, firm.sandbox_key) as sandbox:
        assert (await sandbox.get("/booking-reminders")).json() == USUAL


async def test_a_stale_if_match_changes_nothing(api):
    first = await api.get("/booking-reminders")
    await api.patch("/booking-reminders", json={"sms": True}, headers={"If-Match": first.headers["etag"]})
    stale = await api.patch(
        "/booking-reminders", json={"sms": False}, headers={"If-Match": first.headers["etag"]}
    )
    assert stale.status_code == 412
    assert (await api.get("/booking-reminders")).json()["sms"] is True


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"minutes_before": [5]}, "/minutes_before/0"),
        ({"minutes_before": [20161]}, "/minutes_before/0"),
        ({"minutes_before": [60, 60]}, "/minutes_before"),
        ({"minutes_before": [15, 16, 17, 18, 19, 20]}, "/minutes_before"),
        ({"quiet_from": "24:00"}, "/quiet_from"),
        ({"quiet_until": "8:00"}, "/quiet_until"),
        ({"minutes": [60]}, "/minutes"),
        ({"sms": None}, "/sms"),
    ],
)
async def test_what_makes_no_sense_is_refused(api, body, pointer):
    answer = await api.patch("/booking-reminders", json=body)
    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert (await api.get("/booking-reminders")).json() == USUAL
