"""Test-only: what a CPU machine needs before `import sglang`.

SGLang runs its scheduler in spawned child processes, so this must be on PYTHONPATH.

* torchvision: the published wheel is a CUDA build, its C extension cannot load beside a CPU torch,
  and its Python part then fails on two operators that were never declared. Declare them.
* triton (1 GB installed, no CPU backend): SGLang imports it at module level for GPU kernels that
  the CPU path never launches. SGLang ships a stand-in for macOS; use that when triton is absent.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys


def _make_triton():
    origin = importlib.machinery.PathFinder.find_spec("sglang").origin
    spec = importlib.util.spec_from_file_location(
        "_sglang_platform_stubs", os.path.join(os.path.dirname(origin), "_platform_stubs.py")
    )
    stubs = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = stubs
    spec.loader.exec_module(stubs)
    sys.meta_path.insert(0, stubs._TritonFinder())

    def module(name, **attrs):
        mod = stubs._make_mock(name)
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], child, mod)
        for key, value in attrs.items():
            setattr(mod, key, value)
        return mod

    def cls(name, base=object):
        return type(name, (base,), {})

    triton = module(
        "triton",
        __version__="3.0.0",
        cdiv=stubs._cdiv,
        next_power_of_2=stubs._next_power_of_2,
        Config=stubs._Config,
    )
    # torch and SGLang subclass these or use them in isinstance: they have to be real classes.
    module(
        "triton.language",
        constexpr=type("constexpr", (), {"__init__": lambda self, value=None: None}),
    )
    module("triton.runtime")
    module(
        "triton.runtime.jit", JITFunction=cls("JITFunction"), KernelInterface=cls("KernelInterface")
    )
    module("triton.runtime.cache", triton_key=stubs._triton_key)
    module(
        "triton.runtime.autotuner",
        OutOfResources=cls("OutOfResources", Exception),
        PTXASError=cls("PTXASError", Exception),
    )
    module("triton.compiler", CompiledKernel=cls("CompiledKernel"))
    module("triton.compiler.compiler", ASTSource=cls("ASTSource"), triton_key=stubs._triton_key)
    module("triton.backends")
    module("triton.backends.compiler", GPUTarget=cls("GPUTarget"))
    return triton


class _TritonLoader(importlib.abc.Loader):
    def create_module(self, spec):
        return _make_triton()

    def exec_module(self, module):
        pass


class _Finder(importlib.abc.MetaPathFinder):
    torchvision_ops = None

    def find_spec(self, name, path=None, target=None):
        if name == "torchvision" and _Finder.torchvision_ops is None:
            import torch

            lib = _Finder.torchvision_ops = torch.library.Library("torchvision", "DEF")
            for op in ("nms", "qnms"):
                lib.define(op + "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        if (
            name == "triton"
            and "sglang" in sys.modules
            and (importlib.machinery.PathFinder.find_spec("triton") is None)
        ):
            return importlib.machinery.ModuleSpec("triton", _TritonLoader(), is_package=True)
        return None


sys.meta_path.insert(0, _Finder())
