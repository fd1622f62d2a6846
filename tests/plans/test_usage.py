"""`/usage`, and the limits' headers on every answer."""


async def test_usage_counts_itself(api, firm):
    answer = await api.get("/usage")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["tenant_id"] == firm.id
    assert body["minute"]["used"] == 1
    assert body["minute"]["limit"] == 1000
    assert answer.headers["x-ratelimit-limit"] == "1000"
    assert answer.headers["x-ratelimit-remaining"] == "999"
