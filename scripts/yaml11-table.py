#!/usr/bin/env python3
"""Print what PyYAML's safe loader makes of awkward scalars, for tests/data/yaml11_scalars.json.

  pip install pyyaml && scripts/yaml11-table.py > tests/data/yaml11_scalars.json

Each row is [source, type, text]: the scalar as it stands after "a: ", and what str() gives in Python (dates: the
source).  Scalars that PyYAML does not read are left out.
"""

import datetime
import itertools
import json

import yaml

WORDS = "y n yes no on off true false null none nil inf nan ~ = << - . _ x ref".split()
NUMBERS = """
0 00 +0 -0 7 +7 -7 07 -07 08 09 0777 0o777 0O777 0x 0x0 0xFF 0XFF -0x1f 0b 0b1 0b101 0B1 +0b11 0b2 1_000 _1 1_ 1__0 0_ 0_7
1:30 1:30:45 -1:30 1:60 1:5 0:30 00:30 01:30 12:30:45 190:20:30 1:30. 1:30.5 -1:30.25 1:90.5 0:30.5
1. .5 -.5 +.5 1.5 -1.5 +1.50 1.10 1_0.5 1.5_0 1._5 ._5 1e3 1e+3 1.e3 1.e+3 1.0e3 1.5e+3 1.5E-3 1.5e 1.5e+ -1.5e-10 .5e+3 0.1e+1
12e4567 1.0e+400 -1.0e+400 123456789012345678901234567890 0xffffffffffffffffffffffff 12345678901234567890.5 0.1 0.30000000000000004
1.0e+15 1.0e+16 1.0e+17 1.0e-4 1.0e-5 100000000000000000.0 123456789.125 5e-324 4.9e-324 1.7976931348623157e+308 00.5 01.5
.inf .Inf .INF .iNF -.inf +.inf .nan .NaN .NAN .Nan -.nan +.nan inf nan Infinity NaN
2026-08-20 2026-8-2 2026-08-2 20260820 2026-13-01x 2026-08-20T10:00:00Z 2026-08-20t10:00:00 2026-08-20T10:00 2026-8-2T1:00:00.
2026-08-20T10:00:00.123456+02:00 2026-08-20T10:00:00+2 2026-08-20T10:00:00-02 2026-08-20T10:00:00+02:0 02026-08-20
1.2.3 v1.2.3 1.2.3.4 1-2 1/2 1+1 +-1 -+1 ++1 - +  -- --- 1,000 1e 0e0 0.0e+0 12345e7 1234567 0123456 089abc
c00dbbc9dadfbe1e232e93a729dd4752fade0abf 1234567890123456789012345678901234567890 12345678901234567890123456789012345678e1
0x1g 0b12 08:30 8:30 8:3 8:300 1:2:3:4 1:2:3:4.5 1_0:30 1:3_0 +1:30 +1:30.5
""".split()
PHRASES = ["2026-08-20 10:00:00", "2026-08-20 10:00:00 +02:00", "2026-8-2 1:00:00.5 Z", "2026-08-20  10:00:00Z", "a b", "1 2", "yes no"]
TAGGED = """
!!str|yes !!str|12 !!str|~ !!str| !!int|12 !!int|"12" !!int|'0x10' !!int|010 !!int|1:30 !!float|1 !!float|1.5 !!float|1e3
!!float|"2" !!float|.inf !!bool|yes !!bool|'True' !!bool|oFF !!null|x !!null| !|12 !|"12" !|'yes' !|x !!timestamp|2026-08-20
!<tag:yaml.org,2002:str>|12 'yes'| "12"| ''| ""| !!int|-5 !!int|+1_0 !!float|-1_0.5
""".split()


def spellings(word: str) -> set[str]:
    return {word, word.lower(), word.upper(), word.capitalize(), word.swapcase()}


def row(source: str):
    try:
        value = yaml.safe_load(f"a: {source}\n")["a"]
    except (yaml.YAMLError, ValueError, KeyError, TypeError):
        return None
    if isinstance(value, (datetime.date, datetime.datetime)):
        return [source, "timestamp", source.split()[-1] if source.startswith("!") else source]
    if not isinstance(value, (str, bool, int, float, type(None))):
        return None
    return [source, type(value).__name__, str(value)]


def main() -> None:
    sources = set(itertools.chain.from_iterable(map(spellings, WORDS)))
    sources |= set(NUMBERS) | set(PHRASES) | {t.replace("|", " ", 1).strip() for t in TAGGED}
    # everything of up to three characters of those that numbers are made of, and more of the odd ones
    for n in range(1, 4):
        sources |= {"".join(s) for s in itertools.product("018_.:-e+x", repeat=n)}
    sources |= {"".join(s) for s in itertools.product("18_.:", repeat=4)}
    rows = [r for r in map(row, sorted(sources)) if r]
    print("[\n" + ",\n".join(json.dumps(r) for r in rows) + "\n]")


if __name__ == "__main__":
    main()
