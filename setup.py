"""The one thing that ``pyproject.toml`` can't say: cffi builds ``agent.sources._perf`` along with the package."""

from setuptools import setup

setup(cffi_modules=["agent/sources/perf_build.py:ffibuilder"])
