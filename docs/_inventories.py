"""Inventories of other projects' documentation, written at build time and without a network.

intersphinx downloads the inventory of a project whenever it builds. Here the names that our pages
refer to are listed instead, with the address of each. `nitpicky` makes the build fail where a page
refers to a name that is not listed. A new name is one line here.
"""

import zlib
from pathlib import Path

PROJECTS = {}


def lines_of(project: str) -> list[str]:
    """Return the entries of an inventory: name, role, priority, address and text."""
    _, entries = PROJECTS[project]
    return [f"{name} {role} 1 {address} -" for role, name, address in entries]


def write(folder: Path) -> dict[str, tuple[str, str]]:
    """Write the inventories into a folder, and return the mapping for intersphinx."""
    folder.mkdir(parents=True, exist_ok=True)
    mapping = {}
    for project, (url, _) in PROJECTS.items():
        path = folder / f"{project}.inv"
        header = f"# Sphinx inventory version 2\n# Project: {project}\n# Version: \n"
        header += "# The remainder of this file is compressed using zlib.\n"
        body = "".join(f"{line}\n" for line in lines_of(project))
        path.write_bytes(header.encode() + zlib.compress(body.encode()))
        mapping[project] = (url, str(path))
    return mapping
