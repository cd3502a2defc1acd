"""What the sidecars of a BIDS dataset say about an image, by the inheritance principle: JSON, b-values and directions.

A sidecar applies to the images at its level and below that have its suffix and all of its entities. Of JSON all that
apply are read, and of two that say different things the nearer one is right; of others the nearest is meant alone.
Decides nothing about where the files themselves go.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from .bids_names import Name
from .bids_tables import read_json
from .bids_tree import Tree

# Besides JSON. Both belong to one image, which cannot be used without them.
GRADIENTS = (".bval", ".bvec")


class Sidecars:
    """The sidecars by the folder that they are in. Content is read when an image needs it, and kept if inherited."""

    def __init__(self, tree: Tree) -> None:
        """Start with none."""
        self._tree = tree
        self._of: dict[tuple[str, str, str], list[Name]] = {}
        self._content: dict[str, dict[str, Any]] = {}

    def add(self, folder: str, name: Name) -> None:
        """Remember a file of a folder of the dataset (`""` is the top), if it is a sidecar."""
        if name.extension in {".json", *GRADIENTS}:
            self._of.setdefault((folder, name.suffix, name.extension), []).append(name)

    def forget(self, above: str) -> None:
        """Forget the sidecars in and below a folder, because all images there were read: memory stays small."""
        for known in (self._of, self._content):
            for key in [key for key in known if _path(key).startswith(f"{above}/") or _path(key) == above]:
                del known[key]  # type: ignore[arg-type]

    def merged(self, folders: Iterable[str], image: Name) -> dict[str, Any]:
        """All that the sidecars in these folders, from the top down, say about the image."""
        values: dict[str, Any] = {}
        for folder in folders:
            for name in self._applying(folder, image, ".json"):
                values |= self._read(_joined(folder, name), keep=name.stem != image.stem)
        return values

    def nearest(self, folders: Sequence[str], image: Name, extension: str) -> str | None:
        """The path of the sidecar with that extension that is meant for the image, of these folders from the top."""
        for folder in reversed(folders):
            if applying := self._applying(folder, image, extension):
                return _joined(folder, applying[-1])
        return None

    def _applying(self, folder: str, image: Name, extension: str) -> list[Name]:
        """The sidecars of a folder that apply to the image; the one that says most of its name comes last."""
        known = self._of.get((folder, image.suffix, extension), ())
        return sorted((name for name in known if name.within(image)), key=lambda name: (len(name.entities), name.text))

    def _read(self, path: str, *, keep: bool) -> dict[str, Any]:
        if path in self._content:
            return self._content[path]
        content = read_json(self._tree.path(path), self._tree.text(path))
        if keep:
            self._content[path] = content
        return content


def _joined(folder: str, name: Name) -> str:
    return f"{folder}/{name.text}" if folder else name.text


def _path(key: str | tuple[str, str, str]) -> str:
    return key if isinstance(key, str) else key[0]
