"""Keys on the disk and on the command line: nothing that is secret is shown, and nobody else can read it."""

import io
import os
import stat
from pathlib import Path

import pytest

from cex.venues.binance_auth import private_key, public_pem
from searcher.__main__ import main
from searcher.errors import ConfigError, RunError
from searcher.keys import load_credentials
from searcher.keystore import StoredKey, open_keystore
from searcher.live_config import Keys

PASSWORD = "correct horse"
SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "new" / "keys"
    keys = open_keystore(path, PASSWORD, create=True)
    keys.keys["main"] = StoredKey("hmac", "the-api-key", SECRET)
    keys.save()
    return path


def test_what_is_stored_comes_back_and_is_nowhere_in_the_clear(store: Path) -> None:
    assert open_keystore(store, PASSWORD).keys["main"] == StoredKey("hmac", "the-api-key", SECRET)
    text = store.read_text()
    for word in (SECRET, "the-api-key", "main", PASSWORD):
        assert word not in text
    assert SECRET not in repr(open_keystore(store, PASSWORD))
    assert PASSWORD not in repr(open_keystore(store, PASSWORD))
    assert stat.S_IMODE(store.stat().st_mode) == 0o600
    assert os.listdir(store.parent) == ["keys"]


def test_a_wrong_password_and_a_damaged_file_open_nothing(store: Path) -> None:
    with pytest.raises(RunError, match="does not open it"):
        open_keystore(store, "wrong horse")
    text = store.read_text()
    store.write_text(text.replace('"p":2', '"p":1'))
    with pytest.raises(RunError, match="does not open it, or the file is damaged"):
        open_keystore(store, PASSWORD)
    store.write_text(text.replace('"version":1', '"version":2'))
    with pytest.raises(ConfigError, match="no keystore of version 1"):
        open_keystore(store, PASSWORD)
    store.write_text("{}")
    with pytest.raises(ConfigError, match="no keystore"):
        open_keystore(store, PASSWORD)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_keystore_that_others_can_read_is_refused(store: Path, mode: int) -> None:
    store.chmod(mode)
    with pytest.raises(ConfigError, match="chmod 600"):
        open_keystore(store, PASSWORD)


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def test_keys_on_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "keys"
    where = ["--keystore", str(path), "--password-env", "PW"]
    monkeypatch.setenv("PW", PASSWORD)
    typed(monkeypatch, f"the-api-key\n{SECRET}\n")
    assert main(["keys", "add", "spot", "--kind", "hmac", *where]) == 0
    assert main(["keys", "generate", "edward", *where]) == 0
    generated = capsys.readouterr()
    assert "BEGIN PUBLIC KEY" in generated.out
    assert "PRIVATE" not in generated.out + generated.err
    with pytest.raises(ConfigError, match="no API key yet"):
        load_credentials(Keys(keystore=path, name="edward", password_env="PW"))
    typed(monkeypatch, "registered-key\n")
    assert main(["keys", "add", "edward", *where]) == 0
    credentials = load_credentials(Keys(keystore=path, name="edward", password_env="PW"))
    assert (credentials.kind, credentials.api_key) == ("ed25519", "registered-key")
    assert public_pem(credentials.secret) in generated.out
    capsys.readouterr()
    assert main(["keys", "list", *where]) == 0
    listed = capsys.readouterr().out
    assert listed == "edward\ted25519\t…-key\nspot\thmac\t…-key\n"
    typed(monkeypatch, "another\nanother\n")
    assert main(["keys", "add", "spot", "--kind", "hmac", *where]) == 2
    assert "is there already" in capsys.readouterr().err
    assert main(["keys", "remove", "spot", *where]) == 0
    assert main(["keys", "remove", "spot", *where]) == 1
    with pytest.raises(ConfigError, match="has no such key; it has edward"):
        load_credentials(Keys(keystore=path, name="spot", password_env="PW"))


def test_a_private_key_in_a_file_must_be_ones_own(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from cex.venues.binance_auth import generate

    private, _ = generate()
    pem = tmp_path / "k.pem"
    pem.write_text(private)
    pem.chmod(0o644)
    monkeypatch.setenv("PW", PASSWORD)
    where = ["--keystore", str(store), "--password-env", "PW", "--pem", str(pem)]
    typed(monkeypatch, "the-api-key\n")
    assert main(["keys", "add", "second", *where]) == 2
    assert "chmod 600" in capsys.readouterr().err
    pem.chmod(0o600)
    typed(monkeypatch, "the-api-key\n")
    assert main(["keys", "add", "second", *where]) == 0
    assert private_key(open_keystore(store, PASSWORD).keys["second"].secret)


def test_credentials_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    named = Keys(key_kind="hmac", api_key_env="K", secret_env="S")
    with pytest.raises(ConfigError, match="the environment variable K is not set"):
        load_credentials(named)
    monkeypatch.setenv("K", "the-api-key")
    monkeypatch.setenv("S", SECRET)
    credentials = load_credentials(named)
    assert (credentials.kind, credentials.api_key, credentials.secret) == ("hmac", "the-api-key", SECRET)
    assert SECRET not in repr(credentials)
    with pytest.raises(ConfigError) as error:
        load_credentials(Keys(key_kind="ed25519", api_key_env="K", secret_env="S"))
    assert "not an unencrypted private key" in str(error.value)
    assert SECRET not in str(error.value)
    monkeypatch.setenv("S", "-----BEGIN PRIVATE KEY-----")
    with pytest.raises(ConfigError, match='write key_kind = "ed25519"'):
        load_credentials(named)
    monkeypatch.setenv("K", "two words")
    with pytest.raises(ConfigError, match="characters that no API key has"):
        load_credentials(named)
