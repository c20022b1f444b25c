"""The one thing that ``pyproject.toml`` can't say: cffi builds two extensions along with the package."""

from setuptools import setup

setup(cffi_modules=["agent/sources/perf_build.py:ffibuilder", "eval/testbed/solver_build.py:ffibuilder"])
