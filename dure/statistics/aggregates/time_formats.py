"""Which strptime format a text of a time has, and the times that texts of one format mean.

A text is taken apart by one grammar: an optional weekday, a date in one of the common orders, an
optional time of day, an optional zone. `candidates` gives every format that could have written
it: two for ``03/04/2024``. `parse` then reads many texts of one format at once.

Two-digit years are 1969 to 2068, as in POSIX and `datetime.strptime`.
"""

from __future__ import annotations

import re

import numpy as np
import polars as pl
from numpy.typing import NDArray

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_FULL = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
_MONTH = "(?:" + "|".join(sorted({*_FULL, *_MONTHS}, key=len, reverse=True)) + ")"
_DAYS = "monday|tuesday|wednesday|thursday|friday|saturday|sunday"
_WEEKDAY = rf"(?P<weekday>{_DAYS}|mon|tue|wed|thu|fri|sat|sun)(?P<comma>,?) "
_CLOCK = (
    r"(?P<hour>\d{1,2}):(?P<minute>[0-5]\d)(?P<second>:[0-5]\d)?(?P<fraction>\.\d{1,9})?"
    r"(?P<space> ?)(?P<half>[ap]m)?"
)
_ZONE = r"(?P<gap> ?)(?P<zone>z|utc|gmt|[+-]\d\d:?\d\d)"
_YEAR = r"(?P<y>\d{4}|\d\d)"
_LATE_ZONE = r"(?:(?P<gap> )(?P<zone>utc|gmt|[+-]\d{4}))?"
_REST = rf"(?:(?P<join>t| |:)(?:{_CLOCK}))?(?:{_ZONE})?"

_PATTERNS = (
    rf"(?P<y>\d{{4}})(?P<s>[-/.])(?P<m>\d{{1,2}})(?P=s)(?P<d>\d{{1,2}}){_REST}",
    rf"(?P<y>\d{{4}})(?P<m>\d\d)(?P<d>\d\d)(?:(?P<join>t| ?)(?P<hms>\d{{6}}))?(?:{_ZONE})?",
    rf"(?P<one>\d{{1,2}})(?P<s>[-/.])(?P<two>\d{{1,2}})(?P=s){_YEAR}{_REST}",
    rf"(?:{_WEEKDAY})?(?P<d>\d{{1,2}})(?P<s>[-/ ]?)(?P<b>{_MONTH})(?P<s2>[-/ ]?){_YEAR}{_REST}",
    rf"(?:{_WEEKDAY})?(?P<b>{_MONTH}) (?P<d>\d{{1,2}})(?P<s2>,? )(?P<y>\d{{4}}){_REST}",
    rf"(?:{_WEEKDAY})(?P<b>{_MONTH}) +(?P<d>\d{{1,2}}) {_CLOCK}{_LATE_ZONE} (?P<y>\d{{4}})",
    rf"{_CLOCK}",
    r"(?P<y>\d{4})(?P<s>[-/])(?P<m>\d\d)",
    r"(?P<m>\d\d)(?P<s>[-/])(?P<y>\d{4})",
    rf"(?P<b>{_MONTH})(?P<s>[- ])(?P<y>\d{{4}})",
)
_GRAMMAR = tuple(re.compile(one, re.IGNORECASE | re.ASCII) for one in _PATTERNS)
(_BIG, _COMPACT, _SMALL, _DAY_NAME, _NAME_DAY, _CTIME, _ONLY_CLOCK, _YM, _MY, _BY) = range(10)


def candidates(text: str) -> tuple[str, ...]:
    """Return the strptime formats that could have written ``text``; empty: it is no time.

    >>> candidates("2024-02-29T12:30:00Z")
    ('%Y-%m-%dT%H:%M:%S%z',)
    >>> candidates("03/04/2024")
    ('%m/%d/%Y', '%d/%m/%Y')
    >>> candidates("1.5")
    ()
    """
    if not 4 < len(text) < 48:
        return ()
    for kind, pattern in enumerate(_GRAMMAR):
        found = pattern.fullmatch(text)
        if found is not None:
            return _formats(kind, {k: v or "" for k, v in found.groupdict().items()})
    return ()


def _formats(kind: int, part: dict[str, str]) -> tuple[str, ...]:
    year = "%Y" if len(part.get("y", "")) == 4 else "%y"
    gap = part.get("s", "")
    if kind == _ONLY_CLOCK:
        return (_clock(part),) if _hour_fits(part) else ()
    if kind in (_YM, _MY):
        return (f"%Y{gap}%m",) if kind == _YM else (f"%m{gap}%Y",)
    if kind == _BY:
        return (f"{_month(part)}{gap}%Y",)
    if part.get("hour") and not _hour_fits(part):
        return ()
    rest = _rest(part)
    if kind == _BIG:
        return (f"%Y{gap}%m{gap}%d{rest}",)
    if kind == _COMPACT:
        time = f"{part['join']}%H%M%S" if part["hms"] else ""
        return (f"%Y%m%d{time}{_zone(part)}",)
    if kind == _SMALL:
        return _orders(part, gap, year, rest)
    weekday = _weekday(part)
    if kind == _DAY_NAME:
        return (f"{weekday}%d{gap}{_month(part)}{part['s2']}{year}{rest}",)
    if kind == _NAME_DAY:
        return (f"{weekday}{_month(part)} %d{part['s2']}%Y{rest}",)
    return (f"{weekday}{_month(part)} %d {_clock(part)}{_zone(part)} %Y",)


def _orders(part: dict[str, str], gap: str, year: str, rest: str) -> tuple[str, ...]:
    one, two = int(part["one"]), int(part["two"])
    found: list[str] = []
    if gap == "." and year == "%y" and not len(part["one"]) == len(part["two"]) == 2:
        return ()  # 1.10.2 is a version
    if 1 <= one <= 12 and 1 <= two <= 31:
        found.append(f"%m{gap}%d{gap}{year}{rest}")
    if 1 <= one <= 31 and 1 <= two <= 12:
        found.append(f"%d{gap}%m{gap}{year}{rest}")
    if year == "%y" and len(part["one"]) == 2 and 1 <= two <= 12 and 1 <= int(part["y"]) <= 31:
        found.append(f"%y{gap}%m{gap}%d{rest}")
    return tuple(found)


def _rest(part: dict[str, str]) -> str:
    clock = part.get("join", "") + _clock(part) if part.get("hour") else ""
    return clock + _zone(part)


def _hour_fits(part: dict[str, str]) -> bool:
    hour = int(part["hour"])
    if part["half"]:
        return 1 <= hour <= 12
    # A space that no am or pm follows belongs to nothing; a fraction belongs to seconds.
    return hour <= 23 and (not part["fraction"] or bool(part["second"]))


def _clock(part: dict[str, str]) -> str:
    hour = "%I" if part["half"] else "%H"
    second = ":%S" if part["second"] else ""
    fraction = ".%f" if part["fraction"] else ""
    half = f"{part['space']}%p" if part["half"] else part["space"]
    return f"{hour}:%M{second}{fraction}{half}"


def _zone(part: dict[str, str]) -> str:
    zone = part.get("zone", "")
    if not zone:
        return ""
    return part.get("gap", "") + ("%Z" if zone.lower() in ("utc", "gmt") else "%z")


def _month(part: dict[str, str]) -> str:
    name = part["b"].lower()
    return "%B" if name in _FULL and name != "may" else "%b"


def _weekday(part: dict[str, str]) -> str:
    if not part["weekday"]:
        return ""
    return ("%a" if len(part["weekday"]) == 3 else "%A") + part["comma"] + " "


def parse(texts: pl.Series, form: str) -> NDArray[np.int64]:
    """Return the times that ``texts`` mean, in microseconds since 1970 in UTC.

    Parameters
    ----------
    texts : polars.Series of String
        Without nulls.
    form : str
        A format that `candidates` gave.

    Returns
    -------
    ndarray of int64
        `NOT_A_TIME` where a text does not have the format. Of a time of day without a date,
        since midnight. A text without a zone is taken as UTC.
    """
    wanted, plain = _for_polars(texts, form)
    if "%Y" not in form and "%y" not in form:
        plain, wanted = "1970-01-01 " + plain, "%Y-%m-%d " + wanted
    elif "%d" not in form:
        plain, wanted = plain + " 01", wanted + " %d"
    if not ("%H" in form or "%I" in form):
        found = plain.str.to_date(wanted, strict=False).cast(pl.Datetime("us"))
    else:
        found = plain.str.to_datetime(wanted, strict=False, time_unit="us")
    return found.to_physical().cast(pl.Int64).fill_null(NOT_A_TIME).to_numpy()


NOT_A_TIME = int(np.iinfo(np.int64).min)


def _for_polars(texts: pl.Series, form: str) -> tuple[str, pl.Series]:
    """Return a format and texts for Polars (chrono), which has no ``Z`` and no ``.%f``."""
    clocked = "%H" in form or "%I" in form
    plain = texts
    if form.endswith("%z"):
        plain = plain.str.replace(r"[zZ]$", "+0000")
        if not clocked:  # a date with a zone: its midnight there is not asked for
            plain, form = plain.str.replace(r" ?[+-]\d\d:?\d\d$", ""), form[:-2].rstrip()
    if "%Z" in form:
        plain = plain.str.replace(r"(?i)(utc|gmt)", "+0000")
        form = form.replace("%Z", "%z")
        if not clocked:
            plain, form = plain.str.replace(r" ?\+0000", ""), form.replace("%z", "").rstrip()
    if "%p" in form:
        plain = plain.str.replace(r"(?i)(\d) ?([ap]m)\b", "$1 $2")
        form = re.sub(r" ?%p", " %p", form)
    if form.startswith(("%Y%m%d", "%H")) and "T" in form:
        plain = plain.str.replace("t", "T", literal=True)
    return form.replace(".%f", "%.f"), plain


def zones(texts: pl.Series, form: str) -> list[str]:
    """Return the zones that texts of one format name, in order: ``["+01:00", "+02:00"]``."""
    if "%Z" in form:
        return ["UTC"]
    if "%z" not in form:
        return []
    found = texts.str.extract(r"([zZ]|[+-]\d\d:?\d\d)(?: \d{4})?$").drop_nulls().unique().to_list()
    return sorted({"UTC" if one in "zZ" else f"{one[:3]}:{one[-2:]}" for one in found})
