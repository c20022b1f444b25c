"""Kubeflow components, one a file: a thin body that calls the project's code, which the image has.

A body is shipped as source and runs in a process of its own: it sees nothing but what it imports itself.
"""
