from . import automatic, bounce, catchall_repeat, duplicate, limit, loop, size
