"""What the JSON sidecars of a BIDS dataset say about an image, by the inheritance principle.

A sidecar applies to the images at its level and below that have its suffix and all of its entities; of two that say
different things, the nearer one is right. Decides nothing about where the files themselves go.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .bids_names import Name
from .bids_tables import read_json
from .bids_tree import Tree


class Sidecars:
    """The sidecars by the folder that they are in. Content is read when an image needs it, and kept if inherited."""

    def __init__(self, tree: Tree) -> None:
        """Start with none."""
        self._tree = tree
        self._of: dict[tuple[str, str], list[Name]] = {}
        self._content: dict[str, dict[str, Any]] = {}

    def add(self, folder: str, name: Name) -> None:
        """Remember a sidecar of a folder of the dataset (`""` is the top)."""
        self._of.setdefault((folder, name.suffix), []).append(name)

    def forget(self, above: str) -> None:
        """Forget the sidecars in and below a folder, because all images there were read: memory stays small."""
        for known in (self._of, self._content):
            for key in [key for key in known if _path(key).startswith(f"{above}/") or _path(key) == above]:
                del known[key]  # type: ignore[arg-type]

    def merged(self, folders: Iterable[str], image: Name) -> dict[str, Any]:
        """All that the sidecars in these folders, from the top down, say about the image."""
        values: dict[str, Any] = {}
        for folder in folders:
            applying = [name for name in self._of.get((folder, image.suffix), ()) if name.within(image)]
            for name in sorted(applying, key=lambda name: (len(name.entities), name.text)):
                path = f"{folder}/{name.text}" if folder else name.text
                values |= self._read(path, keep=name.stem != image.stem)
        return values

    def _read(self, path: str, *, keep: bool) -> dict[str, Any]:
        if path in self._content:
            return self._content[path]
        content = read_json(self._tree.path(path), self._tree.text(path))
        if keep:
            self._content[path] = content
        return content


def _path(key: str | tuple[str, str]) -> str:
    return key if isinstance(key, str) else key[0]
