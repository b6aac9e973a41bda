"""Who may file, decide and withdraw an exemption, and in which state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from park import START

from hazmon.alarms.commands import Role
from hazmon.clock import US
from hazmon.coverage.exempting import Exemption
from hazmon.coverage.filing import (
    DAY_US,
    ExemptionState,
    in_force,
    may_decide,
    may_file,
    may_withdraw,
    quiet,
    state_of,
    target_of,
)
from hazmon.errors import CommandRefused

HOUR = 3600 * US
FILED = Exemption(7, "E01", "E01-S1", "V-1", "检修", "清罐", START, START + HOUR, START - HOUR, "企业安全员")
APPROVED = replace(FILED, approved_at=START - 1, decided_by="班长")
REFUSED = replace(FILED, refused_at=START - 1, decided_by="班长")
WITHDRAWN = replace(APPROVED, withdrawn_at=START + 5, withdrawn_by="企业安全员")


@pytest.mark.parametrize(
    ("exemption", "now", "state", "force"),
    [
        (FILED, START, ExemptionState.FILED, False),
        (FILED, START + HOUR, ExemptionState.FILED, False),
        (APPROVED, START - 1, ExemptionState.APPROVED, False),
        (APPROVED, START, ExemptionState.APPROVED, True),
        (APPROVED, START + HOUR - 1, ExemptionState.APPROVED, True),
        (APPROVED, START + HOUR, ExemptionState.OVER, False),
        (REFUSED, START, ExemptionState.REFUSED, False),
        (REFUSED, START + HOUR, ExemptionState.REFUSED, False),
        (WITHDRAWN, START + 6, ExemptionState.WITHDRAWN, False),
        (WITHDRAWN, START + HOUR, ExemptionState.WITHDRAWN, False),
    ],
)
def test_the_state_and_whether_it_is_in_force(exemption: Exemption, now: int, state: ExemptionState, force: bool) -> None:
    assert (state_of(exemption, now), in_force(exemption, now)) == (state, force)


def allowed(ask: Callable[[], None]) -> str | None:
    """None when it is allowed, else why not."""
    try:
        ask()
    except CommandRefused as error:
        return str(error)
    return None


@pytest.mark.parametrize(
    ("begins", "until", "why"),
    [
        (START, START + 1, None),
        (START, START, "ends after it begins"),
        (START, START - 1, "ends after it begins"),
        (START, START + 366 * DAY_US, None),
        (START, START + 366 * DAY_US + 1, "at most 366 days: "),
        (START - 31 * DAY_US, START, None),
        (START - 31 * DAY_US - 1, START, "at most 31 days before"),
        (START + 366 * DAY_US, START + 367 * DAY_US, None),
        (START + 366 * DAY_US + 1, START + 367 * DAY_US, "at most 366 days ahead"),
    ],
)
def test_times_that_may_be_filed(begins: int, until: int, why: str | None) -> None:
    found = allowed(lambda: may_file(Role.ENTERPRISE, begins, until, START))
    assert found is None if why is None else why in (found or "")


def test_roles() -> None:
    for role in Role:
        assert (allowed(lambda r=role: may_file(r, START, START + 1, START)) is None) is (role is Role.ENTERPRISE)
        assert (allowed(lambda r=role: may_withdraw(FILED, r, START)) is None) is (role is Role.ENTERPRISE)
        assert (allowed(lambda r=role: may_decide(FILED, "班长", r, START)) is None) is (role is Role.SHIFT_LEADER)


@pytest.mark.parametrize(
    ("filed_by", "by"), [("Zhang San", "zhang  san"), ("张三", "张三"), ("ＺＨＡＮＧ", "Zhang"), ("张三", "张 三")]
)
def test_nobody_decides_what_they_filed_however_they_write_their_name(filed_by: str, by: str) -> None:
    filed = replace(FILED, filed_by=filed_by)
    assert "another person" in (allowed(lambda: may_decide(filed, by, Role.SHIFT_LEADER, START)) or "")
    assert allowed(lambda: may_decide(filed, by + "四", Role.SHIFT_LEADER, START)) is None


@pytest.mark.parametrize(
    ("exemption", "now", "decide", "withdraw"),
    [
        (FILED, START + 2 * HOUR, None, None),
        (APPROVED, START, "approved by 班长 at 2025-12-31T23:59:59.999999Z", None),
        (APPROVED, START + HOUR, "approved by 班长", "was over at 2026-01-01T01:00:00.000000Z"),
        (REFUSED, START, "refused by 班长", "refused by 班长"),
        (WITHDRAWN, START + 6, "withdrawn by 企业安全员", "withdrawn by 企业安全员"),
    ],
)
def test_what_its_state_allows(exemption: Exemption, now: int, decide: str | None, withdraw: str | None) -> None:
    for found, why in (
        (allowed(lambda: may_decide(exemption, "另一班长", Role.SHIFT_LEADER, now)), decide),
        (allowed(lambda: may_withdraw(exemption, Role.ENTERPRISE, now)), withdraw),
    ):
        assert found is None if why is None else why in (found or "")


def test_its_target_and_what_it_silences() -> None:
    assert target_of(FILED) == "E01/V-1"
    assert target_of(replace(FILED, unit=None)) == "E01-S1"
    assert [quiet(replace(FILED, kind=kind)) for kind in ("停用", "检修", "离线报备")] == [True, True, False]
