"""The native core's face, checked against the built module by stubtest."""

__version__: str
