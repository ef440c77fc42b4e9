"""Finds installed plugins and what they offer, and keeps broken ones from doing harm.

    registry = plugins.registry()
    registry.get("controller", "cmc")          # the class
    registry.all("explorer")                   # everything of one kind that can be got
    registry.notify("autotts_run_finished", run=path)

Nothing is imported before the first question: then every plugin's module, and for each kind
that is asked for, what its hook returns.

Environment variables: `AUTOTTS_PLUGINS=a,b` loads only the entry points named (empty: none),
`AUTOTTS_STRICT_PLUGINS=1` makes any broken plugin an error, `AUTOTTS_TRACE_HOOKS=1` prints
every hook call to standard error.
"""

from __future__ import annotations

import importlib.metadata
import inspect
import logging
import os
import pkgutil
import sys
import traceback
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal, overload

import pluggy

from autotts_core import hookspecs
from autotts_core.errors import PluginError, UnknownNameError, nearest

if TYPE_CHECKING:
    import click

    from autotts_core.benchmark import Benchmark
    from autotts_core.component import Component
    from autotts_core.controller import Controller
    from autotts_core.executor import Executor
    from autotts_core.explorer import Explorer
    from autotts_core.grader import Grader
    from autotts_core.trace_backend import TraceBackend
    from autotts_core.trace_importer import TraceImporter
    from autotts_core.tuner import Tuner

logger = logging.getLogger(__name__)

KINDS: Mapping[str, tuple[str, str]] = {
    "controller": ("autotts_register_controllers", "autotts_core.controller:Controller"),
    "trace backend": (
        "autotts_register_trace_backends",
        "autotts_core.trace_backend:TraceBackend",
    ),
    "trace importer": (
        "autotts_register_trace_importers",
        "autotts_core.trace_importer:TraceImporter",
    ),
    "explorer": ("autotts_register_explorers", "autotts_core.explorer:Explorer"),
    "tuner": ("autotts_register_tuners", "autotts_core.tuner:Tuner"),
    "benchmark": ("autotts_register_benchmarks", "autotts_core.benchmark:Benchmark"),
    "grader": ("autotts_register_graders", "autotts_core.grader:Grader"),
    "executor": ("autotts_register_executors", "autotts_core.executor:Executor"),
}
"""Each kind of component, with the hook that registers it and its base class."""

_COMMANDS_HOOK = "autotts_register_commands"


@dataclass(frozen=True, slots=True)
class Registered:
    """A component that a plugin offers, and the distribution it comes from."""

    kind: str
    name: str
    cls: type[Component]
    distribution: str
    version: str


@dataclass(frozen=True, slots=True)
class Broken:
    """What is wrong with a plugin.

    `hook` is the hook that failed: what the plugin offers through others still works. It is
    None when nothing of the plugin works. `traceback` is empty where no exception was raised.
    """

    distribution: str
    version: str
    entry_point: str
    hook: str | None
    reason: str
    traceback: str

    def __str__(self) -> str:
        return f"plugin distribution {self.distribution} {self.version} is broken: {self.reason}"


@dataclass(frozen=True, slots=True)
class _Plugin:
    distribution: str
    version: str
    entry_point: importlib.metadata.EntryPoint

    @property
    def key(self) -> str:
        # Two distributions may give their entry points the same name.
        return f"{self.distribution}:{self.entry_point.name}"


class Registry:
    """The plugins of this environment; use the shared one, `registry()`."""

    def __init__(self) -> None:
        self.strict = os.environ.get("AUTOTTS_STRICT_PLUGINS", "0") not in ("", "0")
        only = os.environ.get("AUTOTTS_PLUGINS")
        self._only = None if only is None else {name.strip() for name in only.split(",")} - {""}
        self._manager = pluggy.PluginManager("autotts")
        self._manager.add_hookspecs(hookspecs)
        if os.environ.get("AUTOTTS_TRACE_HOOKS", "0") not in ("", "0"):
            self._manager.add_hookcall_monitoring(_trace_call, _trace_outcome)
        self._broken: list[Broken] = []
        self._offered: dict[str, dict[str, list[Registered]]] = {}

    @property
    def broken(self) -> Sequence[Broken]:
        """What is known to be wrong so far; a kind's hook is tried when the kind is asked for."""
        _ = self._modules
        return tuple(self._broken)

    def distributions(self) -> dict[str, str]:
        """The version of every distribution that has a plugin here, working or broken."""
        return {plugin.distribution: plugin.version for plugin in self._found}

    @overload
    def get(self, kind: Literal["controller"], name: str) -> type[Controller]: ...
    @overload
    def get(self, kind: Literal["trace backend"], name: str) -> type[TraceBackend]: ...
    @overload
    def get(self, kind: Literal["trace importer"], name: str) -> type[TraceImporter]: ...
    @overload
    def get(self, kind: Literal["explorer"], name: str) -> type[Explorer]: ...
    @overload
    def get(self, kind: Literal["tuner"], name: str) -> type[Tuner]: ...
    @overload
    def get(self, kind: Literal["benchmark"], name: str) -> type[Benchmark]: ...
    @overload
    def get(self, kind: Literal["grader"], name: str) -> type[Grader]: ...
    @overload
    def get(self, kind: Literal["executor"], name: str) -> type[Executor]: ...
    @overload
    def get(self, kind: str, name: str) -> type[Component]: ...
    def get(self, kind: str, name: str) -> type[Any]:
        """The class that is called `name` among components of `kind`.

        Raises `UnknownNameError` with the nearest name and the broken plugins that might have
        offered it, `PluginError` if several distributions offer the name.
        """
        offered = self.offered(kind)
        self._refuse_broken()
        offers = offered.get(name, [])
        if not offers:
            raise self._unknown(f"{kind} {name!r}", name, offered, KINDS[kind][0])
        if len(offers) > 1:
            raise PluginError(describe_clash(offers))
        return offers[0].cls

    def all(self, kind: str) -> list[Registered]:
        """Everything of one kind that `get` gives, by name: without names that clash."""
        offered = self.offered(kind)
        self._refuse_broken()
        return [offers[0] for _, offers in sorted(offered.items()) if len(offers) == 1]

    def find(self, name: str) -> list[Registered]:
        """Everything called `name`, of any kind; `kind:name` looks at one kind only.

        A name that clashes is there several times. Raises `UnknownNameError` if there is none.
        """
        kind, colon, rest = name.partition(":")
        kinds: Collection[str] = KINDS
        if colon and kind.replace("-", " ") in KINDS:
            kinds, name = [kind.replace("-", " ")], rest
        offered = [self.offered(kind) for kind in kinds]
        found = [offer for offers in offered for offer in offers.get(name, [])]
        if not found:
            known = {name for offers in offered for name in offers}
            what = f"component {name!r}" if len(kinds) > 1 else f"{next(iter(kinds))} {name!r}"
            raise self._unknown(what, name, known, *(KINDS[kind][0] for kind in kinds))
        return found

    def offered(self, kind: str) -> Mapping[str, list[Registered]]:
        """Every name of one kind with all who offer it: more than one is a clash."""
        if kind not in KINDS:
            raise UnknownNameError(f"There is no kind {kind!r}. {nearest(kind, KINDS)}")
        if kind not in self._offered:
            self._offered[kind] = self._ask(kind)
        return self._offered[kind]

    def commands(self, core: Collection[str]) -> dict[str, click.Command]:
        """The commands that plugins add to the command line, by name.

        One that is called like a `core` command or like another plugin's is left out and its
        plugin listed as broken.
        """
        import click

        offers: dict[str, list[tuple[_Plugin, click.Command]]] = {}
        for plugin in self._implementers(_COMMANDS_HOOK):
            # A group for each, so that it is known who added what and nothing is overwritten.
            group = click.Group("autotts")
            with self._blamed(plugin, _COMMANDS_HOOK):
                self._call(plugin, _COMMANDS_HOOK, cli=group)
                for command in group.commands.values():
                    if not isinstance(command, click.Command):
                        raise PluginError(f"{_COMMANDS_HOOK} added {command!r}, not a command")
                for name, command in group.commands.items():
                    offers.setdefault(name, []).append((plugin, command))
        accepted = {}
        for name, offer in offers.items():
            if name in core:
                reason = f"its command {name!r} is refused, because AutoTTS has one of that name"
            elif len(offer) > 1:
                owners = " and ".join(plugin.distribution for plugin, _ in offer)
                reason = f"its command {name!r} is refused, because {owners} both offer it"
            else:
                accepted[name] = offer[0][1]
                continue
            for plugin, _ in offer:
                self._blame(plugin, _COMMANDS_HOOK, reason)
        return accepted

    def broken_for(self, *hooks: str) -> list[Broken]:
        """The broken plugins that might have answered one of `hooks`."""
        return [broken for broken in self.broken if broken.hook in (None, *hooks)]

    def notify(self, event: str, **facts: Any) -> None:
        """Tell every plugin that listens about a life-cycle event (`autotts_run_started`, ...).

        A listener that raises is logged as a warning; the run and the other listeners go on.
        """
        listeners = self._implementers(event)
        self._refuse_broken()
        for plugin in listeners:
            try:
                self._call(plugin, event, **facts)
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                logger.warning(
                    "plugin distribution %s failed in %s: %s",
                    plugin.distribution,
                    event,
                    _reason(error),
                )
                logger.debug("%s", traceback.format_exc())

    @cached_property
    def _found(self) -> list[_Plugin]:
        return [
            plugin
            for plugin in _installed_plugins()
            if self._only is None or plugin.entry_point.name in self._only
        ]

    @cached_property
    def _modules(self) -> dict[_Plugin, ModuleType]:
        modules = {}
        for plugin in self._found:
            with self._blamed(plugin, None):
                module = plugin.entry_point.load()
                _check_contract(plugin, module)
                self._check_hook_names(module)
                try:
                    self._manager.register(module, plugin.key)
                except BaseException:
                    # Validation may fail half-way and leave the first hooks in place.
                    if self._manager.has_plugin(plugin.key):
                        self._manager.unregister(name=plugin.key)
                    raise
                modules[plugin] = module
        return modules

    def _check_hook_names(self, module: ModuleType) -> None:
        known = {name for name in vars(hookspecs) if name.startswith("autotts_")}
        for name, value in vars(module).items():
            implementation = self._manager.parse_hookimpl_opts(module, name)
            if implementation is not None:
                hook = implementation.get("specname") or name
                if hook not in known and not implementation.get("optionalhook"):
                    raise PluginError(f"there is no hook {hook!r}. {nearest(hook, known)}")
            elif name in known and inspect.isfunction(value):
                raise PluginError(f"{name} is never called: it lacks the decorator @hookimpl")

    def _ask(self, kind: str) -> dict[str, list[Registered]]:
        hook, path = KINDS[kind]
        offered: dict[str, list[Registered]] = {}
        for plugin in self._implementers(hook):
            with self._blamed(plugin, hook):
                # pluggy drops a result that is None.
                results = self._call(plugin, hook) or [None]
                base = pkgutil.resolve_name(path)
                for cls in [cls for result in results for cls in _checked(hook, base, result)]:
                    offer = Registered(kind, cls.name, cls, plugin.distribution, plugin.version)
                    offered.setdefault(cls.name, []).append(offer)
        return offered

    def _implementers(self, hook: str) -> list[_Plugin]:
        modules = self._modules
        keys = {impl.plugin_name for impl in getattr(self._manager.hook, hook).get_hookimpls()}
        return [plugin for plugin in modules if plugin.key in keys]

    def _call(self, plugin: _Plugin, hook: str, **arguments: Any) -> list[Any]:
        # One plugin at a time, so that a failure has an owner and stops no other plugin.
        others = [module for other, module in self._modules.items() if other is not plugin]
        results: list[Any] = self._manager.subset_hook_caller(hook, others)(**arguments)
        return results

    @contextmanager
    def _blamed(self, plugin: _Plugin, hook: str | None) -> Iterator[None]:
        try:
            yield
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            self._blame(plugin, hook, _reason(error), traceback.format_exc())

    def _blame(self, plugin: _Plugin, hook: str | None, reason: str, trace: str = "") -> None:
        name = plugin.entry_point.name
        self._broken.append(Broken(plugin.distribution, plugin.version, name, hook, reason, trace))

    def _refuse_broken(self) -> None:
        if self.strict and self._broken:
            problems = "\n".join(str(broken) for broken in self._broken)
            raise PluginError(f"{problems}\n(an error because AUTOTTS_STRICT_PLUGINS is set)")

    def _unknown(
        self, what: str, name: str, known: Collection[str], *hooks: str
    ) -> UnknownNameError:
        lines = [f"There is no {what}. {nearest(name, known)}"]
        if self._only is not None:
            allowed = ", ".join(sorted(self._only)) or "none"
            lines.append(f"AUTOTTS_PLUGINS restricts the plugins that load to: {allowed}.")
        lines += [f"{broken}; `autotts plugins` shows more" for broken in self.broken_for(*hooks)]
        return UnknownNameError("\n".join(lines))


@cache
def registry() -> Registry:
    """The registry of this process."""
    return Registry()


def describe_clash(offers: Sequence[Registered]) -> str:
    """A sentence that names all who offer the same name, and what can be done."""
    owners = " and ".join(
        f"{offer.distribution} {offer.version} ({offer.cls.__module__}.{offer.cls.__qualname__})"
        for offer in offers
    )
    return (
        f"{offers[0].kind} {offers[0].name!r} is offered by {owners}: "
        "uninstall one, or choose the plugins that load with AUTOTTS_PLUGINS"
    )


def _installed_plugins() -> list[_Plugin]:
    found: dict[str, list[_Plugin]] = {}
    for distribution in importlib.metadata.distributions():
        try:
            entry_points = distribution.entry_points.select(group="autotts")
            if not entry_points:
                continue
            name, version = str(distribution.metadata["Name"]), str(distribution.version)
        except Exception:
            # Damaged metadata, of a distribution that need not be a plugin at all.
            logger.debug("unreadable metadata in %s", distribution, exc_info=True)
            continue
        # The first on the path is the one that Python imports.
        found.setdefault(name, [_Plugin(name, version, point) for point in entry_points])
    plugins = [plugin for group in found.values() for plugin in group]
    return sorted(plugins, key=lambda plugin: plugin.key)


def _check_contract(plugin: _Plugin, module: object) -> None:
    if not isinstance(module, ModuleType):
        raise PluginError(f"its entry point {plugin.entry_point.value!r} is not a module")
    ours = hookspecs.CONTRACT_VERSION
    contract = getattr(module, "AUTOTTS_CONTRACT", None)
    if not isinstance(contract, int):
        raise PluginError(
            f"{module.__name__} has no number AUTOTTS_CONTRACT: it must say which contract it was "
            f"built for, and this autotts-core speaks {ours}"
        )
    if contract != ours:
        older = "autotts-core" if contract > ours else plugin.distribution
        raise PluginError(
            f"built for contract {contract}, this autotts-core speaks {ours}: upgrade {older}"
        )


def _checked(hook: str, base: type[Component], result: object) -> list[type[Component]]:
    from autotts_core.component import Options

    if not isinstance(result, list):
        raise PluginError(f"{hook} must return a list of {base.__name__} classes, got {result!r}")
    for cls in result:
        if not (isinstance(cls, type) and issubclass(cls, base) and cls is not base):
            raise PluginError(f"{hook} returned {cls!r}, which is no subclass of {base.__name__}")
        where = f"{cls.__module__}.{cls.__qualname__}"
        for attribute in ("name", "summary"):
            value = getattr(cls, attribute, None)
            if not isinstance(value, str) or not value.strip() or "\n" in value:
                raise PluginError(f"{where}.{attribute} must be one line of text, it is {value!r}")
        if not (isinstance(cls.Options, type) and issubclass(cls.Options, Options)):
            raise PluginError(f"{where}.Options must be a subclass of component.Options")
        missing = sorted(getattr(cls, "__abstractmethods__", ()))
        if missing:
            raise PluginError(f"{where} does not implement {', '.join(missing)}")
    return result


def _reason(error: BaseException) -> str:
    text = " ".join(str(error).split())
    if isinstance(error, (PluginError, pluggy.PluginValidationError)):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _trace_call(
    hook: str, implementations: Sequence[pluggy.HookImpl], arguments: Mapping[str, Any]
) -> None:
    plugins = ", ".join(implementation.plugin_name for implementation in implementations)
    given = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
    print(f"autotts hook {hook}({given}): {plugins}", file=sys.stderr)


def _trace_outcome(
    outcome: pluggy.Result[Any],
    hook: str,
    implementations: Sequence[pluggy.HookImpl],
    arguments: Mapping[str, Any],
) -> None:
    error = outcome.exception
    answer = f"raised {_reason(error)}" if error else f"returned {outcome.get_result()!r}"
    print(f"autotts hook {hook} {answer}", file=sys.stderr)
