"""Credentials are found, whatever the file, and what only looks like one is left alone.

None stands here in one piece: this file is looked at as well.
"""

import json
import os
import string
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from monorepo.core import workspace
from monorepo.core.workspace import ADD
from monorepo.guard import runner
from monorepo.rules import secrets

Write = Callable[[dict[str, str]], None]
random = Random(5)


def some(length: int, letters: str = string.ascii_letters + string.digits) -> str:
    return "".join(random.choices(letters, k=length))


def key(kind: str) -> str:
    lines = "\n".join(some(64) for _ in range(12))
    return f"-----BEGIN {kind}-----\n{lines}\n-----END {kind}-----\n"


def account(key: str) -> str:
    told = {"type": "service_account", "project_id": "", "private_key_id": "", "private_key": key}
    address = "https://accounts.google.com/o/oauth2/auth"
    told |= {"client_email": "", "client_id": "", "auth_uri": address, "token_uri": "x"}
    told |= {"auth_provider_x509_cert_url": "x", "client_x509_cert_url": ""}
    return json.dumps(told, indent=2) + "\n"


def credentials(secret: str, token: str) -> str:
    told = {"client_id": "abc", "client_secret": secret, "refresh_token": token}
    return json.dumps({"type": "authorized_user", **told, "token_uri": "x"}, indent=2) + "\n"


UPPER = string.ascii_uppercase + "234567"
HEX = "0123456789abcdef"
PLANTED = {
    "private-key": key("RSA PRIVATE KEY"),
    "private-key ": key("OPENSSH PRIVATE KEY"),
    "private-key  ": key("PGP PRIVATE KEY BLOCK"),
    "private-key in code": f"KEY = {key('PRIVATE KEY')!r}\n",
    "gcp-application-default-credentials": credentials(f"GOCSPX-{some(28)}", f"1//{some(90)}"),
    "aws-access-token": f'id = "AKIA{some(16, UPPER)}"\naws_secret_access_key = "{some(40)}"\n',
    "github-fine-grained-pat": f"TOKEN: github_pat_{some(22)}_{some(59)}\n",
    "gitlab-pat": f'token = "glpat-{some(20)}"\n',
    "slack-bot-token": f'"xoxb-{some(12, string.digits)}-{some(13, string.digits)}-{some(24)}"\n',
    "stripe-access-token": f'stripe.api_key = "sk_live_{some(24)}"\n',
    "gcp-api-key": f'API_KEY = "AIza{some(35)}"\n',
    "anthropic-api-key": f"ANTHROPIC_API_KEY=sk-ant-api03-{some(93)}AA\n",
    "openai-api-key": f'OPENAI_API_KEY="sk-proj-{some(74)}T3Blbk' + f'FJ{some(74)}"\n',
    "huggingface-access-token": f'HF_TOKEN = "hf_{some(34, string.ascii_letters)}"\n',
    "putty-private-key": f"PuTTY-User-Key-File-3: ssh-ed25519\nPrivate-Lines: 1\n{some(44)}\n",
    "netrc-password": f"machine api.acme.io login bob password {some(20)}\n",
    "curl-auth-user": f"curl -u bob:{some(20)} https://api.acme.io/x\n",
    "curl-auth-user ": f"curl -u bob:{some(20)} \\\n  https://api.acme.io http://localhost\n",
    "generic-credential-uri ": f"amqp://bob:{some(16)}@10.1.2.3/main\n",
    "generic-credential-uri": f"postgres://admin:{some(16)}@db.acme.io/main\n",
}
HARMLESS = {
    "example of a documentation": "AWS_ACCESS_KEY_ID=AKIA" + "IOSFODNN7EXAMPLE\n",
    "placeholder": "GITHUB_TOKEN=ghp_" + "x" * 36 + "\nSTRIPE=sk_live_" + "X" * 24 + "\n",
    "variable": "TOKEN: ${{ secrets.TOKEN }}\nURL=postgres://${USER}:${PASSWORD}@${HOST}/x\n",
    "sample": "postgres://user:password@localhost/x https://user:pass@example.com/\n",
    "container": f"postgres://app:{some(16)}@db:5432/x postgres://a:{some(16)}@127.0.0.1/x\n",
    "curl": f"curl -u admin:admin http://localhost:8080/x\ncurl -u b:{some(20)} http://[::1]/x\n",
    "curl ": f"curl --user a:{some(20)} \\\n  -f \\\n  http://127.0.0.1/x\ncurl https://acme.io\n",
    "curl  ": f"URL=http://localhost:3000\ncurl -u admin:{some(12)} $URL/x\n",
    "host": "".join(
        f"postgres://a:{some(16)}@{host}/x\n"
        for host in ("x.localhost", "host.docker.internal", "0.0.0.0", "[::1]:1", "127.0.1.1:5432")
    ),
    "mongo": f"mongodb://root:{some(16)}@mongo.localhost:27017/x\n",
    "netrc": "machine api.acme.io login bob password $PASSWORD\n",
    "hash": f"integrity: sha512-{some(86)}==\n{{ hash = 'sha256:{some(64, HEX)}' }}\n",
    "id": "secret_id = '9f0c9a44-2b0b-4f5b-9f0a-8e2e0c7d1a11'\n",
    "picture": f"![x](data:image/png;base64,{some(4000)})\n",
    "mention": 'if text.startswith("-----BEGIN PRIVATE KEY-----"):\n    raise ValueError\n',
    "key without any": account("-----BEGIN PRIVATE KEY----------END PRIVATE KEY-----\n"),
    "key that is a word": 'KEY = """-----BEGIN RSA PRIVATE KEY-----\n'
    + "fakekey" * 12
    + '\n-----END RSA PRIVATE KEY-----"""\n',
    "credentials that are words": credentials("def", "ghi"),
    "credentials that are placeholders": credentials("your-client-secret", "<refresh-token>"),
    "key of pages": f'posthog.init("phc_{some(43)}")\n',
    "commit": f"uses: actions/checkout@{some(40, HEX)}\n",
    "emulator": "AccountName=devstoreaccount1;AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1"
    "OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;EndpointSuffix=core.windows.net\n",
    "password": 'password = "hunter2"\nAPI_KEY = "test"\n',
}


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keep what the scanner has compiled for all of these tests."""
    return tmp_path_factory.mktemp("kept") / "rules"


@pytest.fixture
def found(root: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    monkeypatch.setattr(secrets, "CACHE", str(cache))
    return lambda: [str(one) for one in runner.guard(workspace.load(root), ["secrets"])]


Found = Callable[[], list[str]]


@pytest.mark.parametrize("kind", PLANTED)
def test_what_is_planted(found: Found, write: Write, kind: str) -> None:
    write({"deploy/keys.env": f"# Keys\n\n{PLANTED[kind]}"})
    lines = found()
    assert lines
    for line in lines:
        place, _, told = line.partition(": secrets: holds a secret ")
        assert place in ("deploy/keys.env:3", "deploy/keys.env:4")
        assert told.startswith(f"({kind.split()[0]}); revoke it")


@pytest.mark.parametrize("kind", HARMLESS)
def test_what_is_harmless(found: Found, write: Write, kind: str) -> None:
    write({"deploy/keys.env": HARMLESS[kind], "pnpm-lock.yaml": HARMLESS[kind]})
    assert found() == []


def test_the_secret_is_not_told(found: Found, write: Write) -> None:
    secret = f"glpat-{some(20)}"
    write({"a.py": f'token = "{secret}"\n'})
    (line,) = found()
    assert secret[6:] not in line


def test_any_file_is_read(root: Path, found: Found, write: Write) -> None:
    token = f'token = "glpat-{some(20)}"\n'
    write({"loop/a.txt": "", "code.py": f"def (\n{token}"})
    (root / "binary").write_bytes(b"\0\xff\n" + token.encode())
    (root / "utf-16.txt").write_text(f"ä\n{token}", encoding="utf-16")
    (root / "loop/loop").symlink_to(root / "loop")
    (root / "link").symlink_to("code.py")
    (root / "gone").symlink_to("nowhere")
    os.mkfifo(root / "pipe")
    unreadable = root / "unreadable"
    unreadable.write_text("x", encoding="utf-8")
    unreadable.chmod(0)
    lines = [line.partition(": secrets")[0] for line in found() if ": sources" not in line]
    assert lines == ["binary:2", "code.py:2", "utf-16.txt:2"]


def test_a_file_that_no_forge_takes_is_noted(root: Path, found: Found) -> None:
    with (root / "huge").open("wb") as file:
        file.truncate(secrets.LARGEST + 1)
    (line,) = found()
    assert line.startswith("huge: unreadable: is larger than 100 MB")


def test_without_the_scanner_it_says_so(found: Found, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "find_spec", lambda _: None)
    message = "kingfisher-secret-scanner is not installed: nothing was checked"
    assert found() == [f".: secrets: warn: {message}; {ADD}"]
