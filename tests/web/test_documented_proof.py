"""The proof of work as docs/website.md has it, in a browser's language, against a server that listens."""

import asyncio
import json
import re
import shutil
from pathlib import Path

import pytest
import uvicorn

from conecta.api import PREFIX
from tests.processes import free_port
from tests.web.visiting import ORIGIN, publishable_key

DOCUMENT = Path(__file__).parents[2] / "docs" / "website.md"

# What a firm's website does around it.
AROUND = """
const [base, key, origin] = process.argv.slice(2);
const headers = { Authorization: `Bearer ${key}`, Origin: origin, "Content-Type": "application/json" };
const challenge = await (await fetch(`${base}/public/challenge`, { headers })).json();
const asked = { name: "Ana Gil", email: "ana@cliente.example", message: "¿Llevan herencias?" };
const body = JSON.stringify({ ...asked, proof: await solve(challenge) });
const answers = [];
for (let n = 0; n < 2; n += 1) {
  const answer = await fetch(`${base}/public/inquiries`, { method: "POST", headers, body });
  answers.push([answer.status, (await answer.json()).code ?? null]);
}
console.log(JSON.stringify(answers));
"""


async def listening(server):
    while not server.started:  # noqa: ASYNC110 - it tells nobody
        await asyncio.sleep(0.01)


async def test_the_documented_solution_is_accepted_once(app, api, tmp_path, monkeypatch):
    # As hard as the server says it is: here less than usual, for a busy machine's sake.
    monkeypatch.setattr("conecta.website.proof.BITS", 12)
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no node on this machine")
    (solve,) = re.findall(r"^```js\n(.*?)^```$", DOCUMENT.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    script, port = tmp_path / "website.mjs", free_port()
    script.write_text(solve + AROUND, "utf-8")
    key = await publishable_key(api, ORIGIN)
    server = uvicorn.Server(uvicorn.Config(app, port=port, lifespan="off", log_config=None))
    serving = asyncio.create_task(server.serve())
    try:
        await asyncio.wait_for(listening(server), 20)
        base = f"http://127.0.0.1:{port}{PREFIX}"
        run = await asyncio.create_subprocess_exec(
            node, str(script), base, key["key"], ORIGIN, stdout=asyncio.subprocess.PIPE
        )
        printed, _ = await asyncio.wait_for(run.communicate(), 60)
    finally:
        server.should_exit = True
        await serving
    assert json.loads(printed) == [[201, None], [422, "proof_refused"]]
    assert len((await api.get("/inquiries")).json()["data"]) == 1
