"""Logging in: what is refused, what locks, and the ways back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pyotp
import pytest

from anchorhold.errors import SettingsError
from anchorhold.secret import Secret
from anchorhold_desk.first_account import HOST
from anchorhold_desk.identity import Identity
from anchorhold_desk.logins import FREE_FAILURES
from anchorhold_desk.pages.rate_limit import ATTEMPTS, KNOWN, RateLimit, TooManyAttemptsError
from anchorhold_desk.roles import Grant, Role
from anchorhold_desk.secrets_at_rest import Sealed
from desk_pages.desk_process import PASSWORD, shown

if TYPE_CHECKING:
    from pathlib import Path

    from desk_pages.desk_process import RunningDesk


def add(desk: RunningDesk, name: str, *roles: Role) -> None:
    """An account that only one test uses."""
    with desk.opened() as opened:
        opened.accounts.add(name, "", [Grant(role) for role in roles], HOST)
        opened.logins.set_password(opened.accounts.make_link(name, HOST), Secret(PASSWORD), "")


def test_an_account_is_locked_and_the_operator_of_the_host_opens_it(standing_desk: RunningDesk) -> None:
    add(standing_desk, "locked", Role.ADMINISTRATOR)
    with standing_desk.browser() as browser:
        texts = {shown(browser.log_in("locked", "wrong password")) for _ in range(FREE_FAILURES)}
        answer = browser.log_in("locked")
        assert answer.status_code == 401
        assert texts == {shown(answer)}, "what is shown does not tell whether an account is locked"
        assert shown(browser.log_in("nobody", "wrong password")).replace("nobody", "locked") in texts
        link = standing_desk.command("desk", "init", "--administrator", "locked").strip()
        assert link.startswith(f"{standing_desk.url}/link#")
        form = {"link": link.partition("#")[2], "password": PASSWORD, "again": PASSWORD}
        assert "The password was set." in shown(browser.post("/link", form))
        assert browser.log_in("locked").url.path == "/"
    with standing_desk.opened() as opened:
        kinds = [event.kind for event in opened.events(None, 40) if event.account == "locked"]
    assert {"locked", "login-failed", "password-set", "login"} <= set(kinds)


def test_an_address_that_tries_too_often_waits(standing_desk: RunningDesk) -> None:
    with standing_desk.browser() as browser, standing_desk.browser() as other:
        statuses = [browser.log_in(f"guess{number}", "wrong password").status_code for number in range(ATTEMPTS)]
        assert set(statuses) == {401}
        answer = browser.log_in("vera")
        assert answer.status_code == 429
        assert 0 < int(answer.headers["retry-after"]) <= 300
        assert "too many attempts from this address" in shown(answer)
        assert browser.post("/link", {"link": "x"}).status_code == 429
        assert other.log_in("vera").status_code == 200


def test_a_second_factor_is_set_with_a_code_and_asked_for_then(standing_desk: RunningDesk) -> None:
    add(standing_desk, "factor", Role.VIEWER)
    with standing_desk.browser("factor") as browser:
        page = browser.get("/account/second-factor")
        found = re.search(r'name="secret" value="([A-Z2-7]{32})"', page.text)
        assert found
        assert "<svg" in page.text
        totp, path = pyotp.TOTP(found[1]), "/account/second-factor"
        wrong = browser.post(path, {"secret": found[1], "code": "000000x", "password": PASSWORD}, seen=path)
        assert (wrong.status_code, f'value="{found[1]}"' in wrong.text) == (401, True)
        assert browser.post(path, {"secret": found[1], "code": totp.now(), "password": "x"}).status_code == 401
        assert browser.post(path, {"secret": "x", "code": totp.now(), "password": PASSWORD}).status_code == 422
        used = totp.now()
        answer = browser.post(path, {"secret": found[1], "code": used, "password": PASSWORD})
        assert "Log-ins need a code from now on." in shown(answer)
    with standing_desk.browser() as browser:
        assert browser.log_in("factor").status_code == 401
        assert browser.log_in("factor", code=used).status_code == 401, "no code is good twice"
    with standing_desk.browser("boss") as boss:
        page = boss.post("/accounts/factor/second-factor", {})
        assert "Log-ins of this account need no code any more." in shown(page)
    with standing_desk.browser() as browser:
        assert browser.log_in("factor").status_code == 200


def test_the_link_of_the_operator_of_the_host_removes_the_second_factor_and_no_other_link_does(
    standing_desk: RunningDesk,
) -> None:
    add(standing_desk, "last", Role.ADMINISTRATOR)
    with standing_desk.opened() as opened:
        account, secret = opened.accounts.get("last"), opened.logins.new_second_factor()
        by = Identity(account, "192.0.2.1")
        opened.logins.set_second_factor(account, secret, pyotp.TOTP(secret).now(), by)
        opened.logins.set_password(opened.accounts.make_link("last", by), Secret(PASSWORD), "")
        assert opened.accounts.get("last").has_second_factor
    link = standing_desk.command("desk", "init", "--administrator", "last").strip()
    with standing_desk.browser() as browser:
        form = {"link": link.partition("#")[2], "password": PASSWORD, "again": PASSWORD}
        assert browser.log_in("last").status_code == 401
        assert "The password was set." in shown(browser.post("/link", form))
        assert browser.log_in("last").url.path == "/"


def test_a_key_file_that_is_lost_is_not_replaced_in_silence(tmp_path: Path) -> None:
    sealed = Sealed(tmp_path / "desk.key")
    kept = sealed.seal("secret")
    assert (sealed.open(kept), (tmp_path / "desk.key").stat().st_mode & 0o777) == ("secret", 0o600)
    (tmp_path / "desk.key").unlink()
    with pytest.raises(SettingsError, match="is not the key that second factors are encrypted with; bring"):
        sealed.open(kept)
    assert not list(tmp_path.iterdir())


def test_nobody_takes_away_their_own_second_factor(standing_desk: RunningDesk) -> None:
    with standing_desk.browser("boss") as boss:
        assert boss.post("/accounts/boss/second-factor", {}).status_code == 403


def test_nothing_that_is_secret_is_in_the_log(standing_desk: RunningDesk) -> None:
    with standing_desk.browser() as browser:
        browser.log_in("vera", "a password that is wrong")
        browser.post("/link", {"link": "a-link-that-is-wrong", "password": PASSWORD, "again": PASSWORD})
    text = standing_desk.log_file.read_text()
    assert not [secret for secret in (PASSWORD, "that is wrong", "that-is-wrong") if secret in text]


def test_a_limit_counts_within_its_window_and_by_network() -> None:
    moments = iter([0.0, 1.0, 2.0, 2.0, 2.0, 10.5, 10.5])
    limit = RateLimit(2, 10, lambda: next(moments))
    limit.count("2001:db8::1")
    limit.count("2001:db8::2")
    with pytest.raises(TooManyAttemptsError) as refused:
        limit.count("2001:db8::3")
    assert refused.value.retry_after == 8
    limit.count("2001:db8:0:1::1")
    limit.count("192.0.2.1")
    limit.count("2001:db8::4")
    with pytest.raises(TooManyAttemptsError):
        limit.count("2001:db8::5")


def test_a_limit_forgives_what_was_right_and_forgets_whom_it_has_not_seen_for_long() -> None:
    limit = RateLimit(1, 10, lambda: 0.0)
    limit.count("192.0.2.1")
    limit.forgive("192.0.2.1")
    limit.count("192.0.2.1")
    for number in range(KNOWN):
        limit.count(f"unknown {number}")
    limit.count("192.0.2.1")
