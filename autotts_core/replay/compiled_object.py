"""Objects that compiled policies use: structs of pointers and numbers, with methods.

A method is compiled once for all controllers, for integers alone, and LLVM inlines it where it
is called. Numba's own `overload_method` would compile it again in every controller, and once
for each combination of integer types.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from numba import njit, types
from numba.core import cgutils
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler
from numba.core.datamodel import models
from numba.core.environment import lookup_environment
from numba.core.errors import TypingError
from numba.core.imputils import impl_ret_borrowed, lower_builtin, lower_getattr_generic
from numba.core.typing.templates import (
    AbstractTemplate,
    AttributeTemplate,
    infer_getattr,
    infer_global,
    signature,
)
from numba.extending import intrinsic, register_model

Function = Callable[..., Any]


class _Part(JITCodeLibrary):
    """Code that is only ever linked into a kernel, and becomes machine code there.

    Numba would optimise it and emit machine code on every level of calls, for nothing: that was
    a third of the time that compiling a controller takes.
    """

    def _optimize_functions(self, ll_module: Any) -> None:
        pass

    def _optimize_final_module(self) -> None:
        pass

    def _finalize_final_module(self) -> None:
        self._finalized = True

    def get_pointer_to_function(self, name: str) -> int:
        self._ensure_finalized()
        return 0

    @property
    def codegen(self) -> Any:
        # For Numba to hand the environment to, which has no place in memory yet.
        return self

    def set_env(self, name: str, env: Any) -> None:
        """Leave it to `give_environments`."""


def give_environments(kernel: Any) -> None:
    """Let the parts in a kernel's compile result find their constants, as Numba does on loading."""
    for variable in kernel.library._final_module.global_variables:
        environment = lookup_environment(variable.name)
        if environment is not None:
            kernel.codegen.set_env(variable.name, environment)


class PartCompiler(Compiler):
    """Compiles what is only ever called from a kernel."""

    def define_pipelines(self) -> Any:
        self.state.library = _Part(self.state.targetctx.codegen(), self.state.func_id.func_qualname)
        return super().define_pipelines()


PART: dict[str, Any] = {
    "pipeline_class": PartCompiler,
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
}
"""What Numba has to be told of a function that only compiled code calls."""

_jit: Any = njit  # whose type leaves out some of these options


def shared(function: Function) -> Any:
    """`function` compiled once for each combination of types, whichever kernels call it."""
    return _jit(**PART)(function)


class ObjectType(types.Type):
    """Numba's type of such objects: `members` are seen by their methods under `_name`."""

    def __init__(self, name: str, members: Mapping[str, types.Type]) -> None:
        self.members = dict(members)
        self.methods: dict[str, Any] = {}
        self.properties: dict[str, Any] = {}
        super().__init__(name=name)

    def add_method(self, name: str, function: Function) -> None:
        """Let policies call `function`, whose arguments but the first are integers."""
        self.methods[name] = _jit(forceinline=True, **PART)(function)
        lower_builtin((ObjectType, name), ObjectType, types.VarArg(types.Any))(_lower_call(name))

    def add_property(self, name: str, function: Function) -> None:
        """Let policies read what `function` of the object gives."""
        self.properties[name] = shared(function)


@register_model(ObjectType)
class _ObjectModel(models.StructModel):
    def __init__(self, manager: Any, fe_type: ObjectType) -> None:
        super().__init__(manager, fe_type, list(fe_type.members.items()))


@infer_getattr
class _Attributes(AttributeTemplate):
    key = ObjectType

    def generic_resolve(self, instance: Any, name: str) -> Any:  # type: ignore[override]
        if name in instance.methods:
            return types.BoundFunction(_method_template(instance, name), instance)
        if name in instance.properties:
            called: Any = types.Dispatcher(instance.properties[name])
            return called.get_call_type(self.context, (instance,), {}).return_type
        return instance.members.get(name[1:]) if name.startswith("_") else None


@lower_getattr_generic(ObjectType)
def _lower_attribute(context: Any, builder: Any, kind: ObjectType, value: Any, name: str) -> Any:
    if name in kind.properties:
        called = types.Dispatcher(kind.properties[name])
        wanted = called.get_call_type(context.typing_context, (kind,), {})
        return _call(context, builder, kind.properties[name], wanted, [value])
    struct = cgutils.create_struct_proxy(kind)(context, builder, value=value)
    return impl_ret_borrowed(context, builder, kind.members[name[1:]], getattr(struct, name[1:]))


def _method_template(instance: ObjectType, name: str) -> type[AbstractTemplate]:
    dispatcher = instance.methods[name]
    parameters = inspect.signature(dispatcher.py_func)

    class Method(AbstractTemplate):
        key = (ObjectType, name)

        def generic(self, args: Any, kws: Any) -> Any:
            try:
                given = parameters.bind(instance, *args, **kws).arguments
            except TypeError as error:
                raise TypingError(f"{instance.name.lower()}.{name}: {error}") from None
            for parameter, kind in list(given.items())[1:]:
                if not isinstance(kind, types.Integer | types.Boolean):
                    raise TypingError(
                        f"{instance.name.lower()}.{name}: {parameter} is {kind}, not an integer"
                    )
            integers = (types.int64,) * (len(parameters.parameters) - 1)
            called: Any = types.Dispatcher(dispatcher)
            found = called.get_call_type(self.context, (instance, *integers), {})
            return found.as_method()

    return Method


def _lower_call(name: str) -> Function:
    def lower(context: Any, builder: Any, wanted: Any, args: Any) -> Any:
        return _call(context, builder, wanted.args[0].methods[name], wanted, args)

    return lower


def _call(context: Any, builder: Any, dispatcher: Any, wanted: Any, args: Any) -> Any:
    call = context.get_function(types.Dispatcher(dispatcher), wanted)
    context.add_linking_libs(getattr(call, "libs", ()))
    return call(builder, args)


def substitute(function: Function, implementation: Function) -> None:
    """In compiled code, let `implementation` run where `function` is called."""
    dispatcher = shared(implementation)

    class Call(AbstractTemplate):
        key = function

        def generic(self, args: Any, kws: Any) -> Any:
            return types.Dispatcher(dispatcher).get_call_type(self.context, args, kws)

    def lower(context: Any, builder: Any, wanted: Any, args: Any) -> Any:
        return _call(context, builder, dispatcher, wanted, args)

    infer_global(function, types.Function(Call))
    lower_builtin(function, types.VarArg(types.Any))(lower)


def make_object(kind: ObjectType) -> Any:
    """A function for compiled code that makes an object from a tuple of its members."""

    @intrinsic
    def make(typing_context: Any, members: Any) -> Any:
        def generate(context: Any, builder: Any, wanted: Any, args: Any) -> Any:
            struct = cgutils.create_struct_proxy(kind)(context, builder)
            for position, (name, member_type) in enumerate(kind.members.items()):
                value = builder.extract_value(args[0], position)
                given = wanted.args[0].types[position]
                setattr(struct, name, context.cast(builder, value, given, member_type))
            return struct._getvalue()

        return signature(kind, members), generate

    return make
