"""The bill of materials: CycloneDX 1.6 in JSON, of all parts that are bundled and of what those say they contain."""

from __future__ import annotations

import json
import os
import uuid
from datetime import datetime, timezone
from functools import lru_cache
from typing import TYPE_CHECKING

from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense, LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from license_expression import Licensing, get_spdx_licensing
from packageurl import PackageURL

if TYPE_CHECKING:
    from pathlib import Path

    from contents import Part


def write(path: Path, name: str, version: str, parts: list[Part]) -> None:
    """Writes the bill of the product ``name``."""
    purl = PackageURL("generic", None, name, version)
    product = Component(type=ComponentType.APPLICATION, name=name, version=version, purl=purl, bom_ref=str(purl))
    components = [_component(part) for part in parts]
    bom = Bom(
        components=components,
        serial_number=uuid.uuid5(uuid.NAMESPACE_URL, repr([str(purl), *((part.name, part.version) for part in parts)])),
        metadata=BomMetaData(
            component=product, timestamp=datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), timezone.utc)
        ),
    )
    bom.register_dependency(product, components)
    path.write_text(JsonV1Dot6(bom).output_as_string(indent=2) + "\n", encoding="utf-8")


def _component(part: Part) -> Component:
    kind, _, vendor = part.purl_type.partition("/")
    purl = PackageURL(kind, vendor or None, part.name, part.version, part.qualifiers or None)
    named = [LicenseExpression(part.licence)] if _is_expression(part) else [DisjunctiveLicense(name=part.licence)]
    return Component(
        type=ComponentType.LIBRARY,
        name=part.name,
        version=part.version,
        purl=purl,
        bom_ref=str(purl),
        licenses=named if part.licence else None,
        components=[inner for bom in part.boms for inner in _inside(bom, str(purl))],
    )


def _is_expression(part: Part) -> bool:
    """Whether its licence is an SPDX expression, as License-Expression in its metadata is."""
    return not _spdx().validate(part.licence).errors


@lru_cache
def _spdx() -> Licensing:
    """SPDX's list; seconds to load."""
    return get_spdx_licensing()


def _inside(path: Path, owner: str) -> list[Component]:
    """What a distribution says is compiled into it (PEP 770)."""
    listed = json.loads(path.read_text(encoding="utf-8")).get("components", [])
    return [
        Component(
            type=ComponentType.LIBRARY,
            name=each["name"],
            version=each.get("version"),
            purl=PackageURL.from_string(each["purl"]) if "purl" in each else None,
            bom_ref=f"{owner}#{each['name']}@{each.get('version', '')}",
        )
        for each in listed
    ]
