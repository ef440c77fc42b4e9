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
_VARIABLE = re.compile(r"\$?\$\{(\w+)(?::-([^}]*))?\}")


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

    `${NAME}` and `${NAME:-default}` in strings stand for environment variables, `$${NAME}` for
    itself. A relative `path` is taken from the file that it is written in. Raises `RecipeError`
    that lists every mistake with its file, line and key.
    """
    tree = _read_file(path, ())
    for override in overrides:
        tree.apply(override)
    if isinstance(tree.values, dict):
        stem = re.sub(r"[^A-Za-z0-9_.-]", "-", path.stem).strip("-.")
        tree.values.setdefault("name", stem or "recipe")
        _resolve_paths(tree)
    try:
        recipe = Recipe.model_validate(tree.values)
    except ValidationError as error:
        raise RecipeError("\n".join(_explained(error, tree))) from None
    return ReadRecipe(recipe, tree.positions)


def resolved_yaml(recipe: Recipe) -> str:
    """The recipe as one YAML file that needs no other, nor the environment."""
    values = _plain(recipe.model_dump(exclude_none=True))
    text = yaml.dump(
        values, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=None
    )
    return str(text)


def _plain(value: Any) -> Any:
    """`value` in types that YAML knows, in which nothing is taken for a variable."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, str | Path):
        return _VARIABLE.sub(lambda match: f"${match[0]}", str(value))
    return value


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
        parts = [part.strip() for part in written.split(".")]
        if not (equals and all(parts)):
            raise RecipeError(f"--set {override}: must have the form key=value, as in rounds=2.")
        place = f"--set {override}"
        if parts[0] == "extends":
            raise RecipeError(f"{place}: only a file can extend another.")
        holder: Any = self.values
        key: Key = ()
        for part in parts[:-1]:
            step = _step(holder, key, part, place)
            # A section that is left empty is null in YAML.
            if isinstance(holder, dict) and holder.get(step) is None:
                holder[step] = {}
            holder, key = holder[step], (*key, step)
        last = _step(holder, key, parts[-1], place)
        key = (*key, last)
        given: dict[Key, Position] = {}
        holder[last] = _parsed(text, place, key, given, Path.cwd())
        for known in [each for each in self.positions if each[: len(key)] == key]:
            del self.positions[known]
        self.positions |= given
        for prefix in _prefixes(key):
            if prefix:
                self.positions.setdefault(prefix, Position(place, Path.cwd()))


def _step(holder: Any, key: Key, part: str, place: str) -> Any:
    """The key or index that `part` is in `holder`, which lies at `key`."""
    if isinstance(holder, dict):
        return part
    if not isinstance(holder, list):
        raise RecipeError(f"{place}: {_dotted(key)} has no keys: it is {_shown(holder)}.")
    if not (part.isdecimal() and int(part) < len(holder)):
        raise RecipeError(
            f"{place}: {_dotted(key)} is a list with {len(holder)} entries: "
            f"{part!r} is none of them (they are numbered from 0)."
        )
    return int(part)


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
    tree.values = _parsed(text, str(path), (), tree.positions, folder)
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


_EXPONENT = (
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+$"),
    list("-+0123456789"),
)
_KINDS = {f"tag:yaml.org,2002:{kind}": kind for kind in ("str", "int", "float", "bool", "null")}


class _Loader(yaml.SafeLoader):
    """YAML 1.1 as people mean it: `1e-3` is a number, and a date is a string."""

    yaml_implicit_resolvers = {  # noqa: RUF012 (overrides an attribute that is like this)
        first: [(tag, pattern) for tag, pattern in resolvers if tag in _KINDS or "merge" in tag]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


class _Dumper(yaml.SafeDumper):
    """Puts into quotes whatever `_Loader` would not take for a string."""

    def represent_str(self, data: str) -> yaml.ScalarNode:
        # Line breaks that only YAML 1.1 knows do not survive any other style.
        style = '"' if re.search("[\x85\u2028\u2029]", data) else None
        return self.represent_scalar("tag:yaml.org,2002:str", data, style)


_Dumper.add_representer(str, _Dumper.represent_str)
_Loader.add_implicit_resolver(*_EXPONENT)
_Dumper.add_implicit_resolver(*_EXPONENT)


def _parsed(text: str, place: str, key: Key, positions: dict[Key, Position], folder: Path) -> Any:
    """The value that `text` is, for the place `key`; notes the positions of all within it."""
    try:
        return _converted(_composed(text, place), key, positions, place, folder)
    except RecursionError:
        raise RecipeError(f"{place}: is nested too deeply, or holds an alias of itself.") from None


def _composed(text: str, place: str) -> yaml.Node | None:
    try:
        return yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = _line_and_column(place, mark.line, mark.column) if mark else place
        raise RecipeError(f"{where}: not YAML: {error.problem or error.context}.") from None
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        column = len(before) - before.rfind("\n") - 1
        where = _line_and_column(place, before.count("\n"), column)
        character = ascii(text[error.position])
        raise RecipeError(f"{where}: not YAML: {character} is no character of text.") from None


def _line_and_column(place: str, line: int, column: int) -> str:
    """`place` with both, counted from 1; a `--set` is one line, which is shown whole."""
    return place if place.startswith("--set") else f"{place}:{line + 1}:{column + 1}"


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
    plain = _KINDS | {"tag:yaml.org,2002:map": "mapping", "tag:yaml.org,2002:seq": "list"}
    if node.tag not in plain:
        tag = node.tag.replace("tag:yaml.org,2002:", "!!")
        raise RecipeError(
            f"{position(node)}: {_dotted(key)}: recipes have no values of type {tag}: "
            "leave the tag out, or put the value in quotes."
        )
    if isinstance(node, yaml.MappingNode):
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            name = key_node.value
            if key_node.tag != "tag:yaml.org,2002:str":
                kind = key_node.tag.rpartition(":")[2]
                if kind == "merge":
                    raise RecipeError(
                        f"{position(key_node)}: recipes have no merge keys: let a file extend "
                        "another with 'extends'."
                    )
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
    where = f"{position(node)}: {_dotted(key)}"
    try:
        value = yaml.constructor.SafeConstructor().construct_object(node)
    except (ValueError, KeyError):
        raise RecipeError(f"{where}: {node.value!r} is no {_KINDS[node.tag]}.") from None
    return _with_variables(value, where) if isinstance(value, str) else value


def _with_variables(text: str, where: str) -> str:
    def value(match: re.Match[str]) -> str:
        if match[0].startswith("$$"):
            return match[0][1:]
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
        where, given = _at(tree.positions, key), problem["input"]
        match problem["type"]:
            case "extra_forbidden":
                section = _section(tree.values, key[:-1])
                known = list(section.model_fields) + (["extends"] if section is Recipe else [])
                place = _place(tree, key)
                yield f"{place}unknown key {_dotted(key)!r}. {nearest(str(key[-1]), known)}"
            case "missing" if isinstance(key[-1], int):
                yield f"{_at(tree.positions, key[:-1])}: entry {key[-1]} is missing."
            case "missing":
                yield f"{_place(tree, key[:-1])}the key {_dotted(key)!r} is missing."
            case "too_short" if len(given) >= problem["ctx"]["min_length"]:
                pass  # Entries with mistakes, which are told of, are not counted.
            case "union_tag_not_found" if isinstance(given, dict) and "path" in given:
                yield f"{where}: has both 'path' and 'backend': make two entries of it."
            case "union_tag_not_found":
                yield (
                    f"{where}: give either 'path' (stores that are there already) or 'backend' "
                    f"(stores to be made) (got {_shown(given)})."
                )
            case _:
                yield f"{where}: {_message(problem, tree, key)} (got {_shown(given)})."


def _place(tree: _Tree, key: Key) -> str:
    """The beginning of a message that does not go on with `key`."""
    return f"{_at(tree.positions, key).removesuffix(_dotted(key)).rstrip() or f'{tree.path}:'} "


def _message(problem: Mapping[str, Any], tree: _Tree, key: Key) -> str:
    match problem["type"], problem["input"]:
        case "string_type", bool():
            return (
                "should be a string: put it in quotes, for YAML reads yes, no, on and off as truths"
            )
        case "tuple_type", _:
            return "should be a list"
        case "dict_type", _:
            return "should be a mapping"
        case "model_type", _:
            keys = ", ".join(_section(tree.values, key).model_fields)
            return f"should be a mapping with keys out of {keys}"
        case "too_short", _:
            return "should have an entry"
        case "too_long", _:
            return f"should have {problem['ctx']['max_length']} entries"
    message = str(problem["msg"])
    return message[0].lower() + message[1:]


def _shown(value: Any) -> str:
    """`value` in one line, as YAML would have it."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else f"{text[:79]}…"


def _section(values: Any, key: Key) -> type[BaseModel]:
    """The part of the schema that the mapping at `key` has to keep to."""
    if not key:
        return Recipe
    if key[0] == "stores" and len(key) == 2:
        return CollectedStores if "path" in _value_at(values, key) else StoresToCollect
    return _SECTIONS.get(str(key[-1]), Recipe)
