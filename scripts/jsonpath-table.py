#!/usr/bin/env python3
"""Makes the tables of namespace selectors from the answers of jsonpath_ng.ext itself.

    pip install jsonpath-ng==1.8.0 pyyaml
    scripts/jsonpath-table.py [--tree FOLDER] [--table FILE]

`tests/data/jsonpath-tree.json`: `{"namespace": [...]}` with every namespace of a config repo's
`data` folder (`--tree`), `$ref`s resolved; what the reference's own table of selectors is about.

`tests/data/jsonpath-generated.json`: `documents`, and for each expression what it finds in each of
them: indexes into `values`, or "error" where Python raises; null for an expression that does not
parse. Objects have sorted keys.

Version 1.8.0 changes the document while it looks (an object under a filter becomes a list); that
is switched off here: the answers are those for a document that stays as it is.
"""

import argparse
import json
import random
import re
import sys
import warnings
from pathlib import Path

JSONPATH_NG = "1.8.0"
DATA = Path(__file__).resolve().parent.parent / "tests" / "data"


def resolve(tree, path, seen=()):
    """The datafile with all that it refers to, without references back."""

    def walk(value):
        if isinstance(value, dict):
            if list(value) == ["$ref"]:
                target = value["$ref"]
                return None if target in seen else resolve(tree, target, (*seen, path))
            return {key: walk(item) for key, item in value.items() if key != "$schema"}
        return [walk(item) for item in value] if isinstance(value, list) else value

    return {**walk(tree[path]), "path": path}


def namespaces(folder):
    import yaml

    tree = {}
    for file in sorted(folder.rglob("*.yml")):
        tree["/" + str(file.relative_to(folder))] = yaml.safe_load(file.read_text())
    schema = "/openshift/namespace-1.yml"
    found = [resolve(tree, path) for path in tree if tree[path].get("$schema") == schema]
    return json.loads(json.dumps({"namespace": found}, sort_keys=True))


SMALL = {
    "namespace": [
        {
            "app": {"name": "a", "owners": [{"name": "o1"}, {"name": "o2"}]},
            "cluster": {"internal": False, "labels": {"shard": "7"}, "name": "c1"},
            "labels": {"num": "10", "tier": "prod", "with-dash": "x"},
            "name": "alpha-prod",
        },
        {
            "app": {"name": "b", "owners": []},
            "cluster": {"internal": True, "name": "c2", "spec": {"region": "us-east-1"}},
            "delete": True,
            "environment": {"name": "stage", "parameters": {"LEVEL": 1}},
            "labels": {"num": "9", "tier": "stage"},
            "name": "beta",
        },
        {
            "app": {"name": "a"},
            "cluster": {"internal": False, "name": "c1"},
            "environment": {"name": "prod", "parameters": {"LEVEL": 2}},
            "labels": {},
            "name": "alpha-stage",
        },
    ]
}
AWKWARD = {
    "name": "top",
    "namespace": {"labels": {"num": 3, "tier": None}, "name": "alone", "x": [1, 2, 3]},
    "x": [
        {"labels": {"num": 1.5, "tier": "Prod\nline"}, "name": "", "x": [3, 1, 2]},
        {"labels": {"num": " 12 ", "tier": True}, "name": "älpha-é", "x": {"name": "in"}},
        {"labels": ["a", "b"], "name": 5, "x": "text"},
        {"labels": None, "name": False, "where": 1, "true": "t", "a b": 2, "": 3},
        "text",
        7,
        None,
        [{"name": "deep"}, {"name": "alpha-prod"}],
        {},
    ],
}
LISTS = [
    {"labels": {"num": 2, "tier": "b"}, "name": "one", "x": [5]},
    {"labels": {"num": 1, "tier": "a"}, "name": "two", "x": []},
    {"labels": {"num": 2, "tier": "a"}, "name": "three", "x": [[1], [2, [3]]]},
    {"labels": {"num": -1, "tier": ""}, "name": "four"},
]
DOCUMENTS = [SMALL, AWKWARD, LISTS, {"namespace": []}, [], 5]
DOCUMENTS = json.loads(json.dumps(DOCUMENTS, sort_keys=True))

ODD = r"""
$|@|*|namespace|namespace[*]|$.namespace|$..namespace|$..name|$..*|$.*|$.*.*|$..*.name|..name|$..|.name
namespace[0]|namespace[-1]|namespace[7]|namespace[-7]|namespace[0,2]|namespace[2,0,0]|namespace[0][0]
namespace[0].name[0]|namespace[1:]|namespace[:2]|namespace[::2]|namespace[::-1]|namespace[-2:]
namespace[5:1:-2]|namespace[::0]|namespace[:]|namespace[*][*]|namespace[*].name[*]|x[*][*]|x[3][0]
x[*].x[0]|x[0].x[-1]|x[5][0]|x[4][1]|x[*].labels[0]|[0]|[*]|[0,1]|[0:2]|[*].name|[0].x|[name]|['name']
[*].x[*]|[*].x[*][*]|$[0]|$.[0]|namespace.[0]|namespace[name]|namespace["name"]|namespace['name',x]
name,x|namespace[*].name,labels|namespace[*]['name','labels']|x[*].'a b'|x[*].''|x[*]["a b"]
x[*].where|x[*].'where'|x[*].true|x[*].'true'|x[*]['true']|truename|namespace.*|namespace.'*'
namespace[*].labels.with-dash|namespace[*].labels.'with-dash'|namespace[*].labels["with-dash"]
name|x|x|name|name|x[0]|namespace[*].name|x[*].name|namespace[*].(name|labels)|(name|x)[0]
namespace[*].`parent`|namespace[*].name.`parent`|$..name.`parent`|$..tier.`parent`.`parent`|`parent`
namespace[*].`parent`.`parent`|namespace[*].`this`|`this`|namespace.`len`|namespace[*].`len`
namespace[*].name.`len`|x.`len`|x[*].`len`|namespace.`keys`|namespace[*].`keys`|x[*].`keys`|`len`
namespace[*] where labels.tier|namespace[*] where labels|$..* where name|namespace[*] wherenot delete
namespace[*] where (labels.tier)|$..name where @|namespace where [0]|namespace[*].labels where tier
namespace[*].labels.num + 1|namespace[*].environment.parameters.LEVEL + 1|[*].labels.num * 2
[*].labels.num - 1|[*].labels.num + 1.5|1 + 2|1.5 + 1.5|1.5 + 2|1 + 2.5|[*].name + "-x"|name + x
[*].labels.tier + $[*].name|[*].labels.num + [*].labels.num|[*].labels.num - 1 - 1|2 - 1 - 1
[*].labels.num / 2|namespace[*].cluster.name + "/" + $.namespace[*].name|x[*].labels.num + 1
namespace[\name]|namespace[/name]|namespace[/name][*]|namespace[\name][0]|namespace[/app.name,\name]
namespace[/app.name,\name][*].name|namespace[/labels.num][*].name|[/labels.num][*]|[*][/x]|$[/name]
$[/labels.num,/labels.tier][*].name|$[\labels.num /labels.tier][*].name|x[/name]|namespace.`sorted`
$[0].x.`sorted`|x[0].x.`sorted`|x[0].x.`sorted`[0]|x[0].labels.`sorted`|namespace[*].labels.`sorted`
namespace[*].name.`split(-, 0, 100)`|namespace[*].name.`split(-, *, -1)`|x[*].name.`split(-, 1, 1)`
namespace[*].name.`split("a", -1, 1)`|namespace[*].name.`split(' ', 0, 1)`|namespace.`split(a)`
namespace[?(@.name.`split(-, 0, 1)`=="alpha")]|namespace[?(@.name.`split(-, *, 1)`.`len`==2)]
namespace[*].name.`str()`|namespace[*].cluster.internal.`str()`|[*].labels.num.`str()`|namespace.`nope`
namespace[?(@.app.name=="a")][?(@.name=="alpha-prod")]|namespace[?(@.name)]|namespace[?(@)]|$[?(@.name)]
namespace[?(@.app.name=="a")].name|namespace[?(@.app.name=="a")].name.`parent`|x[?(@.name)]|x[?(@[0])]
namespace[?(@.name=="beta")].app.owners|namespace[?(@.app.owners[*].name=="o2")]|$..*[?(@.name)]
$..[?(@.name)]|$..*[?(@.name=="beta")]|$..namespace[?(@.name=="beta")]|namespace[?(@.app.owners)]
namespace[?(@.app.owners[0])]|namespace[?(@.app.owners.`len`==0)]|namespace[?(@..name=="o1")]
namespace[?(@.*.name=="c1")]|namespace[?($.name=="beta")]|namespace[?(name=="beta")]|namespace[?name]
namespace[?@.name=="beta"]|namespace[?(@["name"]=="beta")]|namespace[?(@.name)=="beta"]|namespace[?()]
namespace[?((@.name=="beta"))]|namespace[?(@.name=="beta"]|namespace[?(@.name="beta")]|namespace[?]
namespace[?(@.name==beta)]|namespace[?(@.name==@.name)]|namespace[?(@.name==@name)]|namespace[?("x")]
namespace[?(@.name==$.name)]|namespace[?(@.name=="beta" & @.labels.num==9)]|[?(@.name)]|.[?(@.name)]
namespace[?(@.name=="beta") & (@.labels.num==9)]|namespace[?((@.name=="beta") & @.labels.num==9)]
namespace[?(@.labels.tier & @.name=="beta")]|namespace[?(@.name=="beta" & @.labels.tier)]
namespace[?(@.name=="beta" && @.labels.num==9)]|namespace[?(@.name=="a" || @.name=="b")]|namespace & x
namespace[?(@.name=="a" | @.name=="b")]|namespace[?(!@.delete)]|namespace[?(@.labels.num > 9)]
namespace[?(@.labels.num > "9")]|namespace[?(@.labels.num==9)]|namespace[?(@.labels.num=="9")]
namespace[?(@.labels.num==9.0)]|namespace[?(@.labels.num < -1)]|namespace[?(@.labels.num != 9)]
namespace[?(@.cluster.internal==true)]|namespace[?(@.cluster.internal=="true")]
namespace[?(@.cluster.internal==1)]|namespace[?(@.cluster.internal)]|namespace[?(@.delete!=true)]
namespace[?(@.cluster.internal==True)]|namespace[?(@.environment.parameters.LEVEL==1)]
namespace[?(@.environment.parameters.LEVEL=="1")]|namespace[?(@.environment.parameters.LEVEL >= 1.5)]
namespace[?(@.environment.parameters.LEVEL > "0")]|namespace[?(@.environment.parameters.LEVEL == true)]
namespace[?(@.name > true)]|namespace[?(@.labels == 1)]|namespace[?(@.labels > 1)]
namespace[?(@.labels == "x")]|namespace[?(@.labels < "x")]|namespace[?(@.labels != "x")]|x[?(@.name==0)]
x[?(@.name==5.0)]|x[?(@.name==false)]|x[?(@.labels==null)]|x[?(@.labels=="null")]|x[?(@.labels!=null)]
x[?(@ == 7)]|x[?(@ == "text")]|x[?(@ > 5)]|x[?(@.x=="text")]|x[?(@.x[0]==3)]|x[?(@.labels.num==1)]
x[?(@.labels.num==12)]|x[?(@.labels.num==1.5)]|x[?(@.labels.tier==true)]|x[?(@.labels.tier==1)]
[*][?(@.name)]|$[?(@.x)]|$[?(@.x[0]==5)]|$[?(@.labels.num==2)]|$[?(@.labels.num==2 & @.labels.tier=="a")]
$[?(@.labels.num + 1 == 3)]|$[?(@.labels.num - 3 == -1)]|$[?(@.labels.num * 2 > 2)]|$[?(@.x[0] + 1 == 6)]
$[?(@.labels.tier + "x" == "ax")]|$[?(@.labels[?(@==2)])]|$[?(@.labels[*]==2)]|$.name[?(@.x)]
namespace[?(@.labels[?(@=="prod")])]|namespace[?(@.app.owners[?(@.name=="o1")])]|namespace[*][?(@.name)]
namespace[*].labels[?(@=="prod")]|namespace[*].labels[?(@=="prod")].`parent`|$..labels[?(@)]|*[?(@)]
namespace[?(@.name=~"alpha")]|namespace[?(@.name=~"^alpha$")]|namespace[?(@.name=~"a$")]|@.name|@name
namespace[?(@.name=~'beta|.*stage')]|namespace[?(@.name=~alpha)]|namespace[?(@.name=~"(?!beta).*")]
namespace[?(@.name=~"^(?!beta)")]|namespace[?(@.name=~"(?<=-)prod")]|namespace[?(@.name=~"(?i)ALPHA")]
namespace[?(@.name=~"ALPHA")]|namespace[?(@.name=~"")]|namespace[?(@.name=~".")]|namespace[?(@.x=~".")]
namespace[?(@.name=~"[")]|namespace[?(@.name=~"(")]|namespace[?(@.name=~"*")]|namespace[?(@.name=~5)]
namespace[?(@.labels.num=~5)]|namespace[?(@.name=~true)]|namespace[?(@.name=~1.5)]|x[?(@.name=~".*")]
namespace[?(@.name=~"a{2}")]|namespace[?(@.name=~"l{,2}p")]|namespace[?(@.name=~"l{")]
namespace[?(@.name=~"a**")]|namespace[?(@.name=~"\\d")]|namespace[?(@.name=~"\d")]|x[?(@.name=~"\\w+-")]
namespace[?(@.name=~"\\Aalpha")]|namespace[?(@.name=~"prod\\Z")]|namespace[?(@.name=~"prod\\z")]
namespace[?(@.name=~"\\p{L}")]|namespace[?(@.name=~"\\h")]|namespace[?(@.name=~"[[:alpha:]]")]
namespace[?(@.name=~"[a&&b]")]|namespace[?(@.name=~"[a-]")]|namespace[?(@.name=~"[]a]")]
namespace[?(@.name=~"[^]a]")]|namespace[?(@.name=~"[\\w-]+e")]|namespace[?(@.name=~"[z-a]")]
namespace[?(@.name=~"(?P<x>a).*(?P=x)")]|namespace[?(@.name=~"(a).*\\1")]|namespace[?(@.name=~"\\1")]
namespace[?(@.name=~"(?<x>a)")]|namespace[?(@.name=~"(?>a)")]|namespace[?(@.name=~"a++l")]
namespace[?(@.name=~"(?x) a l ")]|namespace[?(@.name=~"a(?i)b")]|namespace[?(@.name=~"(?i:A)l")]
namespace[?(@.name=~"(?#c)a")]|namespace[?(@.name=~"\\x61")]|namespace[?(@.name=~"\\u0061l")]
namespace[?(@.name=~"^*a")]|namespace[?(@.name=~"(?:)*")]|namespace[?(@.name=~"a|")]|x[?(@.name=~"^$")]
x[?(@.labels.tier=~"d$")]|x[?(@.labels.tier=~"d.l")]|x[?(@.labels.tier=~"(?s)d.l")]
x[?(@.labels.tier=~"(?m)d$")]|x[?(@.labels.tier=~"(?m)^line")]|x[?(@.name=~"\\Bp")]|x[?(@.name=~"é$")]
namespace[?(@.name=~"\\-")]|namespace[?(@.name=~"\\_")]|namespace[?(@.name=~"a#b")]
namespace[?(@.name=~"[a#-]")]|namespace[?(@.name=~"(?a)\\w")]|namespace[?(@.name=~"(?L)x")]
namespace[?(@.name=~"(b)?(?(1)eta|lpha)")]|namespace[?(@.name=~"(?<=a*)b")]|namespace[?(@.name=~"a{3,2}")]
namespace[?(@.name == "beta")] |  namespace [ 0 ]|namespace	[0]|na me|name space|namespace[ ?( @.name ) ]
namespace[?(@.name=="be\"ta")]|namespace[?(@.name=='it\'s')]|namespace[?(@.name=="beta)]|"namespace"[0]
'namespace'.'*'|namespace["*"]|namespace[*,0]|namespace[0,name]|namespace[name,0]|namespace[0:1,2]|x.7|x.-1
namespace[]|namespace[|namespace]|namespace)|(namespace|(namespace)|((namespace))[0]|$$|$.$|$.namespace.$
namespace.$.x|@.@|namespace.@|namespace..|namespace...name|namespace.|.|..|~|namespace~|!|#|namespace#|{|é
name.é|"é"|x[?(@.name=="älpha-é")]|1|-1|1.5|true|null|''|""|`|'x|"x|`this|x[99999999999999999999]
x[?(@.name==99999999999999999999)]|where|x where|where x|x wherenot|name where name|x[*] where name where x
"""


def odd():
    for line in ODD.strip("\n").split("\n"):
        # A bar inside quotes or brackets belongs to the expression.
        yield from re.split(r"""\|(?![^\[]*\])(?=(?:[^"]*"[^"]*")*[^"]*$)""", line)
        yield line


PATHS = "@.name @.app.name @.cluster.name @.labels.tier @.labels.num @.x @.x[0] @.x[*] @ name".split()
PATHS += "@..name @.* @.labels @.labels.* @.missing @.cluster.internal @.environment.name @[0]".split()
PATHS += ["@.app.owners[*].name", "@.environment.parameters.LEVEL", "@['name']", "@.x.`len`"]
VALUES = ['"a"', "'c1'", '"alpha-prod"', "prod", '"stage"', "1", "2", "9", "10", "-1", "1.5", "true"]
VALUES += ["false", '""', "null", '"7"', '"10"', "beta", "@x", '"é"', '" 12 "']
REGEXES = ['"a"', '"^a"', '"prod$"', '".*stage.*"', '"^(alpha|beta)$"', '"^$"', '"\\\\d+"', '"[a-c]1"']
REGEXES += ['"(?!a)"', '"^(?!alpha).*"', "beta", '"al?p"', '"[^-]+-s"', '"o.e"', '"t(wo|hree)"']


def condition(rng):
    path = rng.choice(PATHS)
    kind = rng.random()
    if kind < 0.1:
        return path
    if kind < 0.35:
        return path + rng.choice([" =~ ", "=~"]) + rng.choice(REGEXES)
    operator = rng.choice(["==", "==", "==", "=", "!=", "<", "<=", ">", ">="])
    return path + operator + rng.choice(VALUES)


def conditions(rng):
    parts = [condition(rng) for _ in range(rng.choice([1, 1, 1, 2, 2, 3]))]
    parts = [f"({part})" if rng.random() < 0.1 else part for part in parts]
    text = rng.choice([" & ", "&"]).join(parts)
    return f"({text})" if rng.random() < 0.9 else text


STEPS = ".name .labels .labels.tier .* ..name ..* [0] [-1] [*] [1:] [::2] [0,1] ['name'] .x .x[*]".split()
STEPS += ".labels.num .app.owners[*] .cluster .`parent` .`len` .`this` [/name] [\\name] .`keys`".split()
STEPS += [" where name", " where labels.tier", " wherenot x", "|name", "|x", " + 1", '.name + "x"', ".0"]
TOKENS = "a name . .. [ ] ( ) * $ @ ? & | , : 0 1 -1 1.5 == =~ < 'x' \"y\" where `len` true / + - !".split()


def expression(rng):
    if rng.random() < 0.08:
        return rng.choice(["", " "]).join(rng.choice(TOKENS) for _ in range(rng.randint(1, 7)))
    text = rng.choice("namespace namespace namespace $.namespace $..namespace x $.x $ $ $..* *".split())
    for _ in range(rng.choice([0, 1, 1, 1, 2, 2, 3])):
        if rng.random() < 0.55:
            text += f"[?{conditions(rng)}]"
        else:
            text += rng.choice(STEPS)
    if rng.random() < 0.06:
        at = rng.randrange(len(text))
        text = text[:at] + rng.choice(["", "", "(", ")", "]", "'", "\\", ".", " ", "&"]) + text[at + 1 :]
    return text


def expressions(count):
    rng = random.Random("expressions")
    found = dict.fromkeys(text for text in odd() if text)
    while len(found) < count:
        found[expression(rng)] = None
    return list(found)


def unchanging():
    """Lets jsonpath_ng leave the document alone."""
    from jsonpath_ng import DatumInContext
    from jsonpath_ng.ext.filter import Filter

    find = Filter.find

    def find_in_copy(self, datum):
        datum = DatumInContext.wrap(datum)
        if isinstance(datum.value, dict):
            values = list(datum.value.values())
            datum = DatumInContext(values, path=datum.path, context=datum.context)
        return find(self, datum)

    Filter.find = find_in_copy


def answers(texts):
    from jsonpath_ng.ext.parser import ExtendedJsonPathParser

    warnings.simplefilter("ignore")
    unchanging()
    parser = ExtendedJsonPathParser()
    values, rows = {}, []
    for text in texts:
        try:
            path = parser.parse(text)
        except Exception:
            rows.append([text, None])
            continue
        results = []
        for document in DOCUMENTS:
            try:
                found = [json.dumps(match.value, sort_keys=True) for match in path.find(document)]
            except Exception:
                results.append("error")
                continue
            results.append([values.setdefault(value, len(values)) for value in found])
        rows.append([text, results])
    return [json.loads(value) for value in values], rows


def write(path, head, rows):
    lines = ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
    head = json.dumps(head, separators=(",", ":"), sort_keys=True)
    path.write_text(f'{head[:-1]},"rows":[\n{lines}\n]}}\n')


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tree", type=Path)
    parser.add_argument("--table", type=Path, default=DATA / "jsonpath-generated.json")
    arguments = parser.parse_args()
    from importlib.metadata import version

    if version("jsonpath-ng") != JSONPATH_NG:
        sys.exit(f"needs jsonpath-ng {JSONPATH_NG}")
    if arguments.tree:
        tree = json.dumps(namespaces(arguments.tree), indent=1)
        (DATA / "jsonpath-tree.json").write_text(tree + "\n")
    texts = expressions(3500)
    values, rows = answers(texts)
    head = {"made_with": f"jsonpath-ng {JSONPATH_NG}", "documents": DOCUMENTS, "values": values}
    write(arguments.table, head, rows)


if __name__ == "__main__":
    main()
