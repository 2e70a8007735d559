#!/usr/bin/env python3
"""Makes the tables of the time rules from Python's own answers.

    pip install croniter==7.0.0
    scripts/croniter-table.py [--cron FILE] [--isoformat FILE]

`tests/data/croniter-generated.json`: schedules, and whether croniter.match(day_or=False) holds at
each of `times` (one digit each, null for an invalid schedule), the first match after each of
`bases` as croniter's get_next has it (seconds since 1970, null for none), and one digit each for
a second before, at, 59 seconds and 60 seconds after those.

`tests/data/isoformat-generated.json`: texts and what datetime.fromisoformat reads, in microseconds
since 1970 (without an offset: UTC), null for what it refuses.
"""

import argparse
import json
import random
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

CRONITER = "7.0.0"
PYTHON = (3, 11)
DATA = Path(__file__).resolve().parent.parent / "tests" / "data"

TIMES = """
2026-08-20T10:15:30 2026-08-20T10:15:00 2026-08-20T10:15:59.999999 2026-08-20T10:14:59
2026-08-31T23:59:59 2026-08-01T00:00:00 2026-08-30T05:45:00 2026-08-29T12:30:15
2028-02-29T12:00:00 2026-02-28T00:00:01 2027-02-28T23:59:45 2028-02-28T06:05:00
2026-12-31T23:59:30 2027-01-01T00:00:00 2026-12-27T08:20:00 2026-12-25T22:10:00
2026-08-23T09:00:00 2026-08-27T09:00:00 2026-03-29T01:30:00 2026-10-25T02:00:15
2026-05-01T00:00:00 2026-05-02T04:10:05 2026-05-03T18:50:00 2026-05-31T13:40:00
2026-01-31T16:59:00 2026-11-30T07:07:07 2026-04-30T21:01:00 2026-06-15T11:11:11
2026-07-04T03:25:00 2026-07-05T19:35:00 2026-09-06T14:55:00 2026-09-12T17:04:00
2030-06-30T12:00:00 2099-12-31T23:59:59 2032-02-29T00:00:00 2027-08-01T02:22:00
""".split()
BASES = ["2026-08-20T10:15:59", "2027-02-28T23:58:59"]

RANGES = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 7), (0, 59), (1970, 2099)]
MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
WEEKDAYS = "sun mon tue wed thu fri sat".split()

ODD = r"""
@hourly @daily @midnight @weekly @monthly @yearly @annually @HOURLY @reboot @every @
* * * * |* * * *|* * * * * * * *|60 * * * *|* 24 * * *|* * 0 * *|* * 32 * *|* * * 0 *|* * * 13 *
* * * * 8|*/0 * * * *|*/61 * * * *|a * * * *|1,,2 * * * *|,1 * * * *|1, * * * *|-1 * * * *
1-2-3 * * * *|1/2/3 * * * *|1-/2 * * * *|5-5 * * * *|5-5/7 * * * *|59/15 * * * *|58/15 * * * *
* * 0-5 * *|* * 5-0 * *|* * 0-0 * *|* * * 0-3 *|* * * 3-0 *|* * * 0-0 *|* * * * 0-0|* * * * 7-7
* * * * 0-7|* * * * 7-0|* * * * 1-7|* * * * 5-7|* * * * 6-7/2|* * * * 7/2|* * * * sat/2|* * * * 6/2
* * 31/5 * *|* * * 12/3 *|* * * dec/3 *|* * * jan-jan *|* * * nov-feb *|* * * apr-jan/3 *|* 23/2 * * *
* 22-4/3 * * *|* 22-4/25 * * *|50-10/7 * * * *|50-10/70 * * * *|* * 25-5/4 * *|* * * 10-3/2 *
* * L * *|* * l,15 * *|* * l-5 * *|* * 20-l * *|* * 20-L/3 * *|* * l/2 * *|* * L-3 * *|* * l,1-30 * *
* * l,2-31 * *|* * l,1-30 * mon|* * l,2-31 * mon|* * l,2-31 * */2|* * 1-30,l * *,1
* * 15W * *|* * W15 * *|* * w * *|* * LW * *|* * 1w * *|* * 31w * *|* * 30w 2 *|* * 0w * *|* * 32w * *
* * 1,15w * *|* * 15w,1 * *|* * 15w-20 * *|* * 15w * 1|* * 31w * fri|* * 15w/2 * *|* * 015w * *
* * * * L5|* * * * l0|* * * * l7|* * * * l8|* * * * 5l|* * * * l|* * * * l5,l1|* * * * l5,1
* * * * fri#2|* * * * 5#2|* * * * 5#0|* * * * 5#6|* * * * 5#05|* * * * 7#1|* * * * 8#1|* * * * 5#
* * * * mon-fri#1|* * * * fri-mon#2|* * * * 1-5#2|* * * * mon-5#2|* * * * jan#2|* * * * mon#1,mon#3
* * * * mon,4#3|* * * * *,4#3|* * * * 0-6,4#3|* * * * *,1,4#3|* * 1 * *,1,2,3,5,6,4#3|* * * * 4#3,l5
* * * * mon-fri#1,wed|* * * * mon-fri#1,mon-fri#3|* * * * mon#l|* * * * *#2|* * * * ?#2|* * * * #2
? * * * *|* ? * * *|* * ? * *|* * ? * ?|* * * ? *|* * * * ?,1|* * ?,1 * *|* * ?/2 * *|* * * * * ?
h * * * *|H * * * *|h(0-5) * * * *|h/5 * * * *|h(1-30)/5 * * * *|h(5-1) * * * *|* * * * h|h-5 * * * *
* * * * * 30|* * * * * */15|* * * * * 60|* * * * * 5-1|* * * * * l|* * * * * * *|* * * * * 0 2026
* * * * * 0 2026-2028|* * * * * 0 2027/2|* * * * * 0 1969|* * * * * 0 2100|* * * * * 0 2027-2026
* * * * * * 1970-2099|* * * * * 0 2000|0 0 29 2 * 0 2027|0 0 29 2 * 0 2028|0 0 29 2 * 0 2098
0 0 30 2 *|0 0 31 4 *|0 0 31 4,6,9,11 *|0 0 29 2 1|0 0 29 2 0|0 0 13 * 5|0 0 31 * 0|* * 29 2 l2
  * *  * * *   |\t* *\t* * *|\n* * * * *\n|\x0b* * * * *|\x0c* * * * *|\r\n* * * * *|\x1c* * * * *
\u00a0* * * * *|*\u00a0* * * *|* * * * * \u3000|TZ=UTC * * * * *|* * * * mon.|* * * * monday
* * * january *|* * * JAN,Feb mOn|01 02 03 04 05|00 00 01 01 00|000 * * * *|0059 * * * *
99999999999999999999 * * * *|*/99999999999999999999 * * * *|1-99999999999999999999 * * * *
*/5,*/7 * * * *|*,5 * * * *|5,* * * * *|*-5 * * * *|5-* * * * *|*/* * * * *|*/5-10 * * * *|** * * * *
1-5,10-15/2,58 * * * *|*/-5 * * * *|+5 * * * *|5.0 * * * *|\u0665 * * * *|0x5 * * * *|1_0 * * * *
"""


def odd_schedules():
    for line in ODD.strip().split("\n"):
        if line.startswith("@"):
            yield from line.split()
        else:
            yield from line.encode().decode("unicode_escape").split("|")


def number(rng, field):
    low, high = RANGES[field]
    if field == 6:
        low, high = 2024, 2032
    if rng.random() < 0.02:
        return str(high + rng.randint(1, 3))
    value = rng.randint(low, high)
    if field == 3 and rng.random() < 0.3:
        value = rng.choice(MONTHS)
    if field == 4 and rng.random() < 0.3:
        value = rng.choice(WEEKDAYS)
    text = str(value)
    if rng.random() < 0.05:
        text = text.upper()
    return f"0{text}" if rng.random() < 0.02 else text


def item(rng, field):
    kind = rng.random()
    step = rng.choice([1, 2, 2, 3, 4, 5, 7, 10, 13, 15, 20, 30, 45, 100])
    if kind < 0.45:
        return number(rng, field)
    if kind < 0.7:
        return f"{number(rng, field)}-{number(rng, field)}"
    if kind < 0.82:
        return f"{number(rng, field)}-{number(rng, field)}/{step}"
    if kind < 0.9:
        return f"*/{step}"
    if kind < 0.95:
        return f"{number(rng, field)}/{step}"
    if field == 2:
        return rng.choice(["l", "L", "15w", "1w", "31W", "20-l", "l", "w30"])
    if field == 4:
        return rng.choice(["5#2", "l5", "L1", "mon#1", "7#5", "mon-wed#2", "6#4", "l0", "sun#3"])
    return rng.choice(["l", "*", "x", "1-", "/2", "?", "-3"]) if rng.random() < 0.3 else "*"


def field_text(rng, field, star):
    if rng.random() < star:
        return "?" if field in (2, 4) and rng.random() < 0.1 else "*"
    if field == 4 and rng.random() < 0.25:
        special = ["5#2", "l5", "mon#1", "7#5", "mon-wed#2", "l0", "sun#3", "sat#1", "4#4", "l7"]
        return ",".join(rng.sample(special, rng.choice([1, 1, 2])))
    return ",".join(item(rng, field) for _ in range(rng.choice([1, 1, 1, 1, 2, 2, 3])))


def schedules(count):
    rng = random.Random("schedules")
    found = dict.fromkeys(odd_schedules())
    while len(found) < count:
        fields = rng.choice([5] * 12 + [6, 6, 7, 7, 4, 8])
        star = rng.choice([0.35, 0.6, 0.75])
        found[" ".join(field_text(rng, min(i, 6), star) for i in range(fields))] = None
    return list(found)


def time(text):
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)


def cron_rows(texts):
    from croniter import croniter
    from croniter.croniter import CroniterBadDateError

    def matches(text, times):
        return "".join(str(int(croniter.match(text, at, day_or=False))) for at in times)

    for text in texts:
        try:
            digits = matches(text, map(time, TIMES))
        except (ValueError, KeyError, AttributeError, TypeError):
            yield [text, None]
            continue
        firsts, near = [], ""
        for base in BASES:
            try:
                first = croniter(text, time(base), day_or=False).get_next(datetime)
            except CroniterBadDateError:
                firsts.append(None)
                continue
            firsts.append(int(first.timestamp()))
            near += matches(text, [first + timedelta(seconds=s) for s in (-1, 0, 59, 60)])
        yield [text, digits, firsts, near]


def mutate(rng, text):
    at = rng.randrange(len(text))
    kind = rng.random()
    if kind < 0.35:
        return text[:at] + rng.choice("0123456789-:.,TZW+ x") + text[at + 1 :]
    if kind < 0.6:
        return text[:at] + text[at + 1 :]
    if kind < 0.85:
        return text[:at] + rng.choice("0123456789-:.,TZW+ é") + text[at:]
    return text[: rng.randrange(len(text) + 1)]


def iso_texts(count):
    rng = random.Random("check_in")
    pick = rng.choice
    good = "2026-08-18 20260818 2026-W34-2 2026W342 2026-W34 2026W34 2024-02-29".split()
    dates = "2026-02-29 2026-W53-1 2025-W53-1 2026-W00-1 2026-W34-0 2026-W34-8 0001-01-01 0000-01-01".split()
    dates += "9999-12-31 9999-W52-5 9999-W52-7 2026-13-01 2026-00-10 2026-230 0001-W01-1".split()
    hours = ["00", "08", "10", "23", "24", "25", "1"]
    minutes = ["00", "15", "59", "60", "5"]
    fractions = ["", "", "", ".5", ",5", ".123456", ".1234567", ".000001", ".", ".12x", ".123456 "]
    offsets = ["", "", "Z", "Z", "+00:00", "-00:00", "+01", "+0100", "-05:30"]
    offsets += ["z", "+05:30:15", "+24:00", "+23:59:59.999999", "-23:59:59", "+010203", "+01:00:30.5", "+1", "+1:00", "Z0", "+"]
    offsets += [" +01:00", "+01:60", "-99:00", "+00:00:00.000001", "UTC", " UTC", "-01:02:03.4"]
    found = {}
    while len(found) < count:
        text = pick(good if rng.random() < 0.85 else dates)
        if rng.random() < 0.93:
            text += pick(["T", "T", " ", " ", "t", "_", "é", "-", ""])
            colon = pick([":", ":", ":", ""])
            parts = [pick(hours[:4] if rng.random() < 0.9 else hours)]
            parts += [pick(minutes[:3] if rng.random() < 0.9 else minutes) for _ in range(2)]
            text += colon.join(parts[: pick([1, 2, 2, 3, 3, 3])])
            text += pick(fractions[:8] if rng.random() < 0.9 else fractions)
            text += pick(offsets[:9] if rng.random() < 0.6 else offsets)
        if rng.random() < 0.3:
            text = mutate(rng, text)
        if text:
            found[text] = None
    return list(found)


def iso_rows(texts):
    epoch = datetime(1970, 1, 1, tzinfo=timezone.utc)
    for text in texts:
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            yield [text, None]
            continue
        if at.tzinfo is None:
            at = at.replace(tzinfo=timezone.utc)
        yield [text, (at - epoch) // timedelta(microseconds=1)]


def write(path, head, rows):
    lines = ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
    head = json.dumps(head, separators=(",", ":"))
    path.write_text(f'{head[:-1]},"rows":[\n{lines}\n]}}\n')


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cron", type=Path, default=DATA / "croniter-generated.json")
    parser.add_argument("--isoformat", type=Path, default=DATA / "isoformat-generated.json")
    arguments = parser.parse_args()
    from importlib.metadata import version

    if version("croniter") != CRONITER or sys.version_info[:2] != PYTHON:
        sys.exit(f"needs croniter {CRONITER} and Python {PYTHON[0]}.{PYTHON[1]}")
    head = {"made_with": f"croniter {CRONITER}", "times": TIMES, "bases": BASES}
    write(arguments.cron, head, cron_rows(schedules(4000)))
    python = ".".join(map(str, sys.version_info[:3]))
    write(arguments.isoformat, {"made_with": f"Python {python}"}, iso_rows(iso_texts(3000)))


if __name__ == "__main__":
    main()
