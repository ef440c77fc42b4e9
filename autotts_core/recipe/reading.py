"""Reading recipe files, and saying where in them a mistake is."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from autotts_core.errors import RecipeError, nearest
from autotts_core.recipe.schema import (
    Budget,
    CollectedStores,
    ExplorerChoice,
    Limits,
    Recipe,
    SamplingSettings,
    Selection,
    StoresToCollect,
)

Key = tuple[str | int, ...]
"""The way to a value: `("stores", 0, "models")`."""

_SECTIONS: dict[str, type[BaseModel]] = {
    "explorer": ExplorerChoice,
    "selection": Selection,
    "budget": Budget,
    "limits": Limits,
    "sampling": SamplingSettings,
}
_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


@dataclass(frozen=True, slots=True)
class Position:
    """Where a value was given: a file's line, or a `--set`."""

    place: str
    folder: Path

    def __str__(self) -> str:
        return self.place


@dataclass(frozen=True, slots=True)
class ReadRecipe:
    """A recipe and where its values were given."""

    recipe: Recipe
    positions: Mapping[Key, Position] = field(repr=False)

    def at(self, *key: str | int) -> str:
        """`file:line: key`, for messages about the value at `key`."""
        return _at(self.positions, key)


def read_recipe(path: Path, overrides: Sequence[str] = ()) -> ReadRecipe:
    """The recipe in `path` with what it extends, and `key=value` overrides applied.

    `${NAME}` and `${NAME:-default}` in strings stand for environment variables. A relative
    `path` is taken from the file that it is written in. Raises `RecipeError` that lists every
    mistake with its file, line and key.
    """
    tree = _read_file(path, ())
    for override in overrides:
        tree.apply(override)
    if isinstance(tree.values, dict):
        tree.values.setdefault("name", re.sub(r"[^A-Za-z0-9_.-]", "-", path.stem))
        _resolve_paths(tree)
    try:
        recipe = Recipe.model_validate(tree.values)
    except ValidationError as error:
        raise RecipeError("\n".join(_explained(error, tree))) from None
    return ReadRecipe(recipe, tree.positions)


def resolved_yaml(recipe: Recipe) -> str:
    """The recipe as one YAML file that needs no other, nor the environment."""
    values = recipe.model_dump(mode="json", exclude_none=True)
    text = yaml.safe_dump(values, sort_keys=False, allow_unicode=True, default_flow_style=None)
    return str(text)


def recipe_digest(recipe: Recipe) -> str:
    """SHA-256 in hexadecimal of all that a recipe says, but for its name and description."""
    values = recipe.model_dump(mode="json", exclude={"name", "description"})
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


@dataclass
class _Tree:
    """Values as they were written, and where."""

    values: Any
    positions: dict[Key, Position]
    path: Path

    def apply(self, override: str) -> None:
        """Set what `a.b.0=value` says."""
        written, equals, text = override.partition("=")
        if not (written.strip() and equals):
            raise RecipeError(f"--set {override}: must have the form key=value, as in rounds=2.")
        place = f"--set {override}"
        key = tuple(int(part) if part.isdecimal() else part for part in written.strip().split("."))
        node = _composed(text, place)
        given = _Tree(None, {}, Path.cwd() / "--set")
        given.values = _converted(node, key, given.positions, place, Path.cwd())
        for known in [each for each in self.positions if each[: len(key)] == key]:
            del self.positions[known]
        self.positions |= given.positions
        self.positions[key] = Position(place, Path.cwd())
        for prefix in _prefixes(key):
            if prefix:
                self.positions.setdefault(prefix, self.positions[key])
        holder = self.values
        for depth, part in enumerate(key[:-1]):
            holder = self._inner(holder, part, key[: depth + 1], place, create=True)
        last = key[-1]
        if isinstance(holder, dict) and isinstance(last, str):
            holder[last] = given.values
        else:
            self._inner(holder, last, key, place, create=False)
            holder[last] = given.values

    def _inner(self, holder: Any, part: str | int, key: Key, place: str, create: bool) -> Any:
        if isinstance(holder, dict) and isinstance(part, str):
            return holder.setdefault(part, {}) if create else holder.get(part)
        if isinstance(holder, list) and isinstance(part, int) and part < len(holder):
            return holder[part]
        if isinstance(holder, list):
            raise RecipeError(
                f"{place}: {_dotted(key[:-1])} is a list with {len(holder)} entries: "
                f"{part!r} is none of them (they are numbered from 0)."
            )
        raise RecipeError(f"{place}: {_dotted(key[:-1])} has no keys: it is {holder!r}.")


def _read_file(path: Path, chain: tuple[Path, ...]) -> _Tree:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        found = [each.name for each in path.parent.glob("*.yaml")]
        hint = f" {nearest(path.name, found)}" if found else ""
        raise RecipeError(f"{path}: there is no such file.{hint}{_chain(chain)}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: cannot be read: {error}.{_chain(chain)}") from None
    tree = _Tree(None, {}, path)
    folder = Path(os.path.abspath(path.parent))  # noqa: PTH100 (links keep their names)
    node = _composed(text, str(path))
    tree.values = _converted(node, (), tree.positions, str(path), folder)
    if not isinstance(tree.values, dict):
        raise RecipeError(f"{path}: a recipe is a mapping of keys such as 'stores:'.")
    extended = tree.values.pop("extends", None)
    if extended is None:
        return tree
    place = tree.positions[("extends",)]
    bases = [extended] if isinstance(extended, str) else extended
    if not (isinstance(bases, list) and all(isinstance(base, str) for base in bases)):
        raise RecipeError(f"{place}: extends: give a file, or a list of files (got {extended!r}).")
    merged = _Tree({}, {}, path)
    for name in bases:
        base = path.parent / name
        here = (*chain, path)
        if base.resolve() in [each.resolve() for each in here]:
            circle = " -> ".join(str(each) for each in (*here, base))
            raise RecipeError(f"{place}: extends: goes round in a circle: {circle}.")
        _merge(merged, _read_file(base, here))
    _merge(merged, tree)
    return merged


def _chain(chain: tuple[Path, ...]) -> str:
    if not chain:
        return ""
    return f" It is extended by {', which is extended by '.join(map(str, reversed(chain)))}."


def _merge(into: _Tree, other: _Tree, key: Key = ()) -> None:
    """Mappings merge key by key; lists and scalars of `other` replace what was there."""
    mine, theirs = _value_at(into.values, key), _value_at(other.values, key)
    for name, value in theirs.items():
        way = (*key, name)
        if isinstance(value, dict) and isinstance(mine.get(name), dict):
            into.positions[way] = other.positions[way]
            _merge(into, other, way)
            continue
        for known in [each for each in into.positions if each[: len(way)] == way]:
            del into.positions[known]
        into.positions |= {k: p for k, p in other.positions.items() if k[: len(way)] == way}
        mine[name] = value


def _value_at(values: Any, key: Key) -> Any:
    for part in key:
        values = values[part]
    return values


class _Loader(yaml.SafeLoader):
    """YAML 1.1 as people mean it: `1e-3` is a number."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+$"),
    list("-+0123456789"),
)


def _composed(text: str, place: str) -> yaml.Node | None:
    try:
        return yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise RecipeError(f"{place}{line}: not YAML: {error.problem or error.context}.") from None
    except yaml.YAMLError as error:
        raise RecipeError(f"{place}: not YAML: {error}.") from None


def _converted(
    node: yaml.Node | None, key: Key, positions: dict[Key, Position], place: str, folder: Path
) -> Any:
    """The value of `node`; notes its position, and those of all within it."""
    if node is None:
        return None

    def position(of: yaml.Node) -> Position:
        shown = place if place.startswith("--set") else f"{place}:{of.start_mark.line + 1}"
        return Position(shown, folder)

    positions.setdefault(key, position(node))
    if isinstance(node, yaml.MappingNode):
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            name = key_node.value
            if key_node.tag != "tag:yaml.org,2002:str":
                kind = key_node.tag.rpartition(":")[2]
                raise RecipeError(
                    f"{position(key_node)}: the key {name!r} is read as a {kind}: "
                    "put it in quotes if it is meant as a name."
                )
            way = (*key, name)
            if name in values:
                raise RecipeError(
                    f"{position(key_node)}: {_dotted(way)}: given twice, first at {positions[way]}."
                )
            positions[way] = position(key_node)
            values[name] = _converted(value_node, way, positions, place, folder)
        return values
    if isinstance(node, yaml.SequenceNode):
        return [
            _converted(each, (*key, number), positions, place, folder)
            for number, each in enumerate(node.value)
        ]
    try:
        value = yaml.constructor.SafeConstructor().construct_object(node)
    except (yaml.YAMLError, ValueError) as error:
        raise RecipeError(f"{position(node)}: {_dotted(key)}: {error}.") from None
    return (
        _with_variables(value, f"{position(node)}: {_dotted(key)}")
        if isinstance(value, str)
        else value
    )


def _with_variables(text: str, where: str) -> str:
    def value(match: re.Match[str]) -> str:
        name, default = match.groups()
        found = os.environ.get(name, default)
        if found is None:
            raise RecipeError(
                f"{where}: the environment variable {name} is not set. Set it, or write "
                f"${{{name}:-default}}."
            )
        return found

    return _VARIABLE.sub(value, text)


def _resolve_paths(tree: _Tree) -> None:
    stores = tree.values.get("stores")
    for number, entry in enumerate(stores if isinstance(stores, list) else ()):
        if isinstance(entry, dict) and isinstance(entry.get("path"), str):
            key = ("stores", number, "path")
            folder = next(tree.positions[k] for k in _prefixes(key) if k in tree.positions).folder
            path = Path(entry["path"]).expanduser()
            entry["path"] = os.path.normpath(folder / path)


def _prefixes(key: Key) -> Iterator[Key]:
    """`key`, and what it lies in, the nearest first."""
    for length in range(len(key), -1, -1):
        yield key[:length]


def _at(positions: Mapping[Key, Position], key: Key) -> str:
    place = next((positions[each] for each in _prefixes(key) if each in positions), None)
    return f"{place}: {_dotted(key)}" if place else _dotted(key)


def _dotted(key: Key) -> str:
    return ".".join(map(str, key)) or "the recipe"


def _explained(error: ValidationError, tree: _Tree) -> Iterator[str]:
    for problem in error.errors(include_url=False):
        key: Key = problem["loc"]
        # In a union, the alternative that was chosen stands in the location, too.
        if key[:1] == ("stores",) and len(key) > 2:
            key = (*key[:2], *key[3:])
        where = _at(tree.positions, key)
        place = where.removesuffix(_dotted(key)).rstrip()
        kind = problem["type"]
        if kind == "extra_forbidden":
            section = _section(tree.values, key[:-1])
            known = list(section.model_fields) + (["extends"] if section is Recipe else [])
            name = _dotted(key)
            yield f"{place} unknown key {name!r}. {nearest(str(key[-1]), known)}".lstrip()
        elif kind == "missing":
            holder = _at(tree.positions, key[:-1])
            holder_place = holder.removesuffix(_dotted(key[:-1])).rstrip() or f"{tree.path}:"
            yield f"{holder_place} the key {_dotted(key)!r} is missing."
        elif kind.startswith("union_tag"):
            yield (
                f"{where}: give either 'path' (stores that are there already) or 'backend' "
                "(stores to be made)."
            )
        else:
            yield f"{where}: {_message(problem)} (got {_shortened(problem['input'])})."


def _message(problem: Mapping[str, Any]) -> str:
    if problem["type"] == "string_type" and isinstance(problem["input"], bool):
        return "should be a string: put it in quotes, for YAML reads yes, no, on and off as truths"
    message = str(problem["msg"])
    return message[0].lower() + message[1:]


def _shortened(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}…"


def _section(values: Any, key: Key) -> type[BaseModel]:
    """The part of the schema that the mapping at `key` has to keep to."""
    if not key:
        return Recipe
    if key[0] == "stores" and len(key) == 2:
        return CollectedStores if "path" in _value_at(values, key) else StoresToCollect
    return _SECTIONS.get(str(key[-1]), Recipe)
