"""The written documents: their code runs, their tables are those of the code, their links lead somewhere."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from jsonschema import Draft202012Validator

from conecta import openapi
from conecta.auth.scopes import SENTENCES
from conecta.events.catalogue import CATALOGUE
from conecta.settings import STANDARD_WEBHOOKS_SCHEDULE
from conecta.webhooks import signing
from tests.processes import free_port, installation, wait_until

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
WEBHOOKS = (ROOT / "docs" / "webhooks.md").read_text("utf-8")
CONCEPTS = (ROOT / "docs" / "concepts.md").read_text("utf-8")
README = (ROOT / "README.md").read_text("utf-8")

SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
BODY = (
    '{"id":"evt_01J9ZK3T4N5P6Q7R8S9T0V1W2X","type":"case.created","timestamp":"2026-11-20T10:00:00Z",'
    '"data":{"id":"case_01J9ZK3T4N5P6Q7R8S9T0V1W2Y"}}'
)
ID, TIMESTAMP = "evt_01J9ZK3T4N5P6Q7R8S9T0V1W2X", 1763632800
LEGACY = "sha256=f3b5af2f27f342a84ebc4c824a94523bcee0b0311cabe67050bb6718aaf1f6c9"
STANDARD = "v1,cu70gwmXfE64iIn1OegxcwrwLlhTRnKVKyFz5LFPY1Y="


def blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document):
    text = document.read_text("utf-8")
    for target in re.findall(r"\]\(([^)]+)\)", text):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        found = (document.parent / path).resolve() if path else document
        assert found.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", found.read_text("utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}, target


def test_scopes_are_those_of_the_code():
    rows = re.findall(r"^\| `([a-z:]+)` \| (.+) \| (.+) \|$", CONCEPTS, re.MULTILINE)
    assert rows == [(scope.value, text.es, text.en) for scope, text in SENTENCES.items()]


def test_plans_are_those_of_the_database(superuser):
    rows = re.findall(r"^\| (\S+) \| ([\d,]+) \| ([\d,]+) \|$", CONCEPTS, re.MULTILINE)
    written = {(name, int(minute.replace(",", "")), int(day.replace(",", ""))) for name, minute, day in rows}
    assert written == set(superuser.execute("select name, per_minute, per_day from plans").fetchall())


def test_events_are_those_of_the_catalogue():
    rows = re.findall(r"^\| `([a-z]+\.[a-z_]+)` \| (.+?) \|", WEBHOOKS, re.MULTILINE)
    assert rows == [(event.name, event.sentence.en) for event in CATALOGUE]


def test_retries_are_those_of_the_settings():
    (row,) = re.findall(r"^\| wait \| (.+) \|$", WEBHOOKS, re.MULTILINE)
    units = {"s": 1, "min": 60, "h": 3600}
    waits = [cell.split() for cell in row.split(" | ")]
    assert tuple(int(n) * units[unit] for n, unit in waits) == STANDARD_WEBHOOKS_SCHEDULE


def test_the_payload_shown_is_the_documents_example():
    shown = next(json.loads(block) for block in blocks(WEBHOOKS, "json"))
    document = openapi.document("http://testserver")
    media = document["webhooks"]["invoice.paid"]["post"]["requestBody"]["content"]["application/json"]
    assert shown == media["example"]
    schema = {**document, "allOf": [media["schema"]]}
    assert list(Draft202012Validator(schema).iter_errors(shown)) == []


def test_vectors_are_true():
    (vectors,) = [block for block in blocks(WEBHOOKS, "text") if "webhook-timestamp" in block]
    for value in (SECRET, BODY, LEGACY, STANDARD, ID, str(TIMESTAMP)):
        assert value in vectors
    assert signing.legacy_signature(SECRET, BODY.encode()) == LEGACY
    assert signing.standard_signature(SECRET, ID, TIMESTAMP, BODY.encode()) == STANDARD


# What each language's functions are asked, and what they must say.
CASES = [
    ("legacy", BODY, LEGACY, True),
    ("legacy", BODY + " ", LEGACY, False),
    ("legacy", BODY, "", False),
    ("legacy", BODY, LEGACY.replace("f3", "f4", 1), False),
    ("standard", BODY, STANDARD, True),
    ("standard", BODY, f"v1,AAAA {STANDARD}", True),
    ("standard", BODY + " ", STANDARD, False),
    ("standard", BODY, "v1,AAAA", False),
    ("late", BODY, STANDARD, False),
]

PYTHON_CALLS = """
import json, sys
for kind, body, signature, _ in json.load(sys.stdin):
    now = 1763632800 + (301 if kind == "late" else 299)
    if kind == "legacy":
        print(json.dumps(is_genuine(body.encode(), signature, "SECRET")))
    else:
        print(json.dumps(is_genuine_standard(body.encode(), "ID", "1763632800", signature, "SECRET", now)))
"""
JS_CALLS = """
for (const [kind, body, signature] of JSON.parse(require("fs").readFileSync(0))) {
  const now = 1763632800 + (kind === "late" ? 301 : 299);
  console.log(kind === "legacy" ? isGenuine(Buffer.from(body), signature, "SECRET")
    : isGenuineStandard(Buffer.from(body), "ID", "1763632800", signature, "SECRET", now));
}
"""
PHP_CALLS = """
foreach (json_decode(file_get_contents('php://stdin')) as [$kind, $body, $signature]) {
    $now = 1763632800 + ($kind === 'late' ? 301 : 299);
    echo json_encode($kind === 'legacy' ? is_genuine($body, $signature, 'SECRET')
        : is_genuine_standard($body, 'ID', '1763632800', $signature, 'SECRET', $now)), "\\n";
}
"""


@pytest.mark.parametrize(
    ("language", "program", "suffix", "head", "calls"),
    [
        ("python", sys.executable, "py", "", PYTHON_CALLS),
        ("js", "node", "js", "", JS_CALLS),
        ("php", "php", "php", "<?php\n", PHP_CALLS),
    ],
)
def test_verifying_code_tells_true_from_false(language, program, suffix, head, calls, tmp_path):
    if shutil.which(program) is None:
        pytest.skip(f"there is no {program} on this machine")
    (code,) = blocks(WEBHOOKS, language)
    script = tmp_path / f"verify.{suffix}"
    script.write_text(head + code + calls.replace("SECRET", SECRET).replace("ID", ID), "utf-8")
    ran = subprocess.run(
        [program, str(script)],
        input=json.dumps(CASES),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert [json.loads(line) for line in ran.stdout.split()] == [expected for *_, expected in CASES]


@pytest.fixture
def receiver(tmp_path):
    """The receiver of the README, in a process of its own, and what it prints."""
    (code,) = blocks(README, "python")
    script, port = tmp_path / "receiver.py", free_port()
    script.write_text(code, "utf-8")
    environment = {**os.environ, "SECRET": SECRET, "PORT": str(port)}
    process = subprocess.Popen(
        [sys.executable, str(script)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    wait_until(lambda: _answers(port), seconds=20, what="the receiver to listen")
    yield f"http://127.0.0.1:{port}/", process.stdout
    process.terminate()
    process.wait(10)
    process.stdout.close()


def _answers(port):
    try:
        return httpx.get(f"http://127.0.0.1:{port}/").status_code == 501
    except httpx.TransportError:
        return False


def test_the_readmes_receiver_tells_true_from_false(receiver):
    url, printed = receiver
    assert len(blocks(README, "python")[0].splitlines()) <= 20
    genuine = httpx.post(url, content=BODY, headers={"X-Webhook-Signature": LEGACY})
    assert genuine.status_code == 204
    assert printed.readline().decode().startswith("genuine: {")
    for headers in ({"X-Webhook-Signature": "sha256=00"}, {}):
        assert httpx.post(url, content=BODY, headers=headers).status_code == 401
        assert printed.readline().decode().startswith("FORGED:")


@pytest.mark.trial
@pytest.mark.timeout(300)
def test_the_readmes_calls_lead_to_a_verified_webhook(tmp_path):
    if shutil.which("curl") is None:
        pytest.skip("there is no curl on this machine")
    with installation(tmp_path) as running:
        running.serve("--demo")
        demo = running.json("demo")
        shell = Shell(running.url, demo)
        client = shell.run(step("/clients"))
        assert client["id"].startswith("cli_")
        first = shell.run(step('"$BASE/cases" -H'), CLIENT=client["id"], PROVIDER=demo["provider_id"])
        again = shell.run(step('"$BASE/cases" -H'), CLIENT=client["id"], PROVIDER=demo["provider_id"])
        assert first == again
        listed = shell.run(step("include=total"))
        assert (listed["total"], listed["data"][0]["id"]) == (1, first["id"])
        service = {"SERVICE": demo["service_id"]}
        free = shell.run(step("availability/slots"), **service)["data"]
        wanted = {**service, "CLIENT": client["id"], "START": free[0]["start"]}
        assert shell.run(step('"$BASE/bookings"'), **wanted)["start"] == free[0]["start"]
        refused = shell.run(step('"$BASE/bookings"'), **wanted)
        assert (refused["code"], len(refused["next_slots"])) == ("slot_taken", 3)
        port = free_port()
        created = shell.run(step('"$BASE/webhooks"').replace("9000", str(port)))
        heard = listen_for_one(tmp_path, port, created["secret"])
        shell.run(
            step('"$BASE/cases" -H').replace("my-first-case", "my-second-case"),
            CLIENT=client["id"],
            PROVIDER=demo["provider_id"],
        )
        line = heard()
    assert line.startswith("genuine: "), line
    event = json.loads(line.removeprefix("genuine: "))
    assert (event["type"], event["tenant_id"]) == ("case.created", demo["tenant_id"])


def step(marker):
    (found,) = [block for block in blocks(README, "sh") if marker in block and "curl" in block]
    return found


class Shell:
    """Runs the README's commands as a person would, with the names it has set before."""

    def __init__(self, base, demo):
        self._head = f'BASE={base}\nAUTH="Authorization: Bearer {demo["api_key"]}"\n'

    def run(self, commands, **names):
        named = re.compile("(CLIENT|PROVIDER|SERVICE|START)=")
        lines = [line for line in commands.splitlines() if not named.match(line)]
        set_names = "".join(f"{name}={value}\n" for name, value in names.items())
        script = self._head + set_names + "\n".join(lines)
        ran = subprocess.run(["bash", "-euc", script], capture_output=True, text=True, check=True, timeout=60)
        return json.loads(ran.stdout)


def listen_for_one(folder, port, secret):
    (code,) = blocks(README, "python")
    script = folder / "receiver.py"
    script.write_text(code, "utf-8")
    printed = folder / "printed.txt"
    environment = {**os.environ, "SECRET": secret, "PORT": str(port)}
    with printed.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, str(script)], env=environment, stdout=out, stderr=subprocess.DEVNULL
        )
    wait_until(lambda: _answers(port), seconds=20, what="the receiver to listen")

    def heard():
        try:
            wait_until(lambda: printed.read_text("utf-8").endswith("\n"), seconds=20, what="the webhook")
            return printed.read_text("utf-8").splitlines()[0]
        finally:
            process.terminate()
            process.wait(10)

    return heard


def test_the_readme_names_every_command():
    import typer

    from conecta.cli import app

    for name, command in typer.main.get_command(app).commands.items():
        for words in [f"{name} {below}" for below in getattr(command, "commands", {})] or [name]:
            assert re.search(rf"^conecta {words}\b", README, re.MULTILINE), words


def test_the_scanners_rule_fits_a_key():
    from conecta.api_keys.rules import new_key

    text = (ROOT / "docs" / "decisions" / "0008-api-key-form.md").read_text("utf-8")
    (rule,) = re.findall(r"`(sk_\(live\|test\)\S+)`", text)
    assert re.fullmatch(rule, new_key("live"))
