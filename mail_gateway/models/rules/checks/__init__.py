"""The checks that come with the addon, one per file."""

from . import automatic, bounce, catchall_repeat, duplicate, limit, loop, size
