#!/usr/bin/env python3
"""Write what qontract-reconcile's saas-auto-promotions-manager makes of the conformance cases.

  python3 -m venv v && v/bin/pip install --no-deps qontract-reconcile==0.10.1
  v/bin/pip install 'pydantic~=1.10.6' 'ruamel-yaml<0.18' jsonpath-ng croniter pyyaml
  v/bin/python scripts/reference-moves.py > tests/data/reference-moves.json

Its inventory, decisions and renderer run as they are. GraphQL, git, Vault and S3 are answered from the case: modules that are not
installed are stubs. The result has the files that it would write, or why its run ends. That version knows no SLOs, so those
cases are left out. jsonpath-ng and croniter are newer than it asks for, as later versions of it have them.
"""

import importlib.abc
import importlib.machinery
import json
import logging
import sys
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import MagicMock

ROOT = Path(__file__).resolve().parent.parent / "tests/conformance/cases"


class Stub(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Any module that is not installed is a mock."""

    def find_spec(self, name, path, target=None):
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        module = MagicMock(name=spec.name)
        module.__spec__, module.__path__, module.__name__ = spec, [], spec.name
        return module

    def exec_module(self, module):
        pass


sys.meta_path.append(Stub())
logging.disable(logging.CRITICAL)

import yaml  # noqa: E402
from jsonpath_ng.ext import parser  # noqa: E402
from reconcile.gql_definitions.common.saas_files import ParentSaasPromotionV1  # noqa: E402
from reconcile.saas_auto_promotions_manager import subscriber as subscribers  # noqa: E402
from reconcile.saas_auto_promotions_manager.merge_request_manager import renderer  # noqa: E402
from reconcile.saas_auto_promotions_manager.utils.saas_files_inventory import SaasFilesInventory  # noqa: E402
from reconcile.utils.promotion_state import PromotionData  # noqa: E402


def field(data, key):
    return data.get(key) if isinstance(data, dict) else None


class Case:
    def __init__(self, folder):
        self.folder = folder
        self.snapshot = json.loads((folder / "snapshot.json").read_text())
        self.files = {}
        for path in sorted((folder / "data").rglob("*.y*ml")):
            self.files["/" + str(path.relative_to(folder / "data"))] = yaml.safe_load(path.read_text())

    def at(self, ref):
        return self.files[ref["$ref"]]

    def of(self, schema):
        return [(path, file) for path, file in self.files.items() if field(file, "$schema") == schema]

    def namespace(self, path):
        raw = self.files[path]
        whole = {key: value for key, value in raw.items() if key in ("name", "labels", "delete")}
        whole["path"] = path
        # What the integration's GraphQL query asks for, and the conformance cases select by.
        for key, fields in (
            ("cluster", "name serverUrl internal labels disable spec externalConfiguration".split()),
            ("app", ["name", "labels"]),
            ("environment", ["name", "labels", "parameters"]),
        ):
            referred = self.at(raw[key])
            whole[key] = {field: referred[field] for field in fields if field in referred}
        return SimpleNamespace(
            path=path,
            name=raw["name"],
            cluster=SimpleNamespace(name=whole["cluster"]["name"]),
            dict=lambda by_alias=True, exclude_none=True: whole,
        )

    def namespaces(self, target):
        if "namespace" in target:
            return [self.namespace(target["namespace"]["$ref"])]
        if target.get("provider") != "dynamic":
            # GraphQL answers such a target without its selector.
            raise KeyError("namespace")
        paths = target["namespaceSelector"]["jsonPathSelectors"]
        everywhere = [self.namespace(path) for path, _ in self.of("/openshift/namespace-1.yml")]
        document = {"namespace": [namespace.dict() for namespace in everywhere]}

        def found(key):
            return {m.value["path"] for text in paths.get(key) or [] for m in parser.parse(text).find(document)}

        wanted = found("include") - found("exclude")
        return [namespace for namespace in everywhere if namespace.path in wanted]

    def saas_file(self, path, raw):
        app = self.at(raw["app"])
        components = [
            SimpleNamespace(url=c["url"], blocked_versions=c.get("blockedVersions")) for c in app.get("codeComponents") or []
        ]
        templates = []
        for template in raw["resourceTemplates"]:
            targets = [one for target in template["targets"] for one in self.targets(raw, template, target)]
            templates.append(SimpleNamespace(name=template["name"], url=template["url"], targets=targets))
        named_app = SimpleNamespace(name=app["name"], code_components=components)
        return SimpleNamespace(
            path=path, name=raw["name"], app=named_app, authentication=None, resource_templates=templates
        )

    def targets(self, saas, template, raw):
        path = raw.get("$ref")
        raw = self.files[path] if path else raw
        for namespace in self.namespaces(raw):
            name = raw.get("name")
            key = f"{saas['name']}:{template['name']}:{name or 'default'}:{namespace.cluster.name}:{namespace.name}"
            yield SimpleNamespace(
                path=path,
                name=name,
                ref=raw["ref"],
                disable=raw.get("disable"),
                delete=raw.get("delete"),
                namespace=namespace,
                promotion=self.promotion(raw.get("promotion")),
                uid=lambda parent_saas_file_name, parent_resource_template_name, key=key: uid(key),
            )

    def promotion(self, raw):
        if not raw:
            return None
        data = []
        for item in raw.get("promotion_data") or []:
            parents = [
                ParentSaasPromotionV1.construct(
                    parent_saas=d.get("parent_saas"), target_config_hash=d.get("target_config_hash"), type=d.get("type")
                )
                for d in item.get("data") or []
                if d.get("type") == "parent_saas_config"
            ]
            data.append(SimpleNamespace(channel=item.get("channel"), data=parents))
        return SimpleNamespace(
            auto=raw.get("auto"),
            publish=raw.get("publish"),
            subscribe=raw.get("subscribe"),
            soak_days=raw.get("soakDays"),
            schedule=raw.get("schedule"),
            redeploy_on_publisher_config_change=raw.get("redeployOnPublisherConfigChange"),
            promotion_data=data,
        )

    def get_commit_sha(self, auth_code, ref, repo_url):
        if len(ref) == 40 and all(c in "0123456789abcdef" for c in ref):
            return ref
        fact = self.snapshot["commits"][f"{repo_url}@{ref}"]
        if "error" in fact:
            raise RuntimeError(fact["error"])
        return fact["sha"]

    def get_promotion_data(self, sha, channel, target_uid):
        record = self.snapshot["deployment_records"].get(f"promotions_v2/{channel}/{target_uid}/{sha}")
        return None if record is None else PromotionData(**record)

    def run(self):
        now = datetime.fromisoformat(self.snapshot["observed_at"].replace("Z", "+00:00"))
        subscribers.datetime = SimpleNamespace(now=lambda zone: now)
        saas_files = [self.saas_file(path, raw) for path, raw in self.of("/app-sre/saas-file-2.yml")]
        inventory = SaasFilesInventory(saas_files=saas_files)
        for publisher in inventory.publishers:
            publisher.fetch_commit_shas_and_deployment_info(vcs=self, deployment_state=self)
        for subscriber in inventory.subscribers:
            subscriber.compute_desired_state()
        texts = {}
        for subscriber in inventory.subscribers:
            if subscriber.has_diff():
                path = subscriber.target_file_path
                text = texts.get(path) or (self.folder / "data" / path.lstrip("/")).read_text()
                texts[path] = renderer.Renderer().render_merge_request_content(subscriber, text)
        return {"files": texts}


def uid(text):
    from hashlib import blake2s

    return blake2s(text.encode(), digest_size=20).hexdigest()


def main():
    results = {}
    for folder in sorted(ROOT.iterdir()):
        if any((folder / name).exists() for name in ("args.txt", "env.json")) or folder.name.startswith("j"):
            continue
        try:
            results[folder.name] = Case(folder).run()
        except Exception as error:
            results[folder.name] = {"error": f"{type(error).__name__}: {error}".split("\n")[0][:160]}
    print(json.dumps({"made_with": "qontract-reconcile 0.10.1", "cases": results}, indent=1, sort_keys=True))


if __name__ == "__main__":
    main()
