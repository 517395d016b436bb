"""An event loop in a thread, for the small servers that tests run inside their own process."""

import asyncio
import threading


class LoopThread:
    """A thread with an event loop; :meth:`run` runs a coroutine in it."""

    def __init__(self, name):
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name=name, daemon=True)
        self._thread.start()

    def run(self, coroutine, seconds=90):
        """Run a coroutine in the thread and return its result."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(seconds)

    def stop(self):
        """Cancel all running tasks and end the thread."""
        self.run(self._cancel_all())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()

    @staticmethod
    async def _cancel_all():
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


class LoopServer:
    """A server in a thread of its own, used as a context manager; a subclass sets `_server` in `_listen`."""

    _server = _thread = None

    def start(self):
        """Start to listen."""
        self._thread = LoopThread(f"{type(self).__name__} {self.port}")
        self._thread.run(self._listen())
        return self

    def stop(self):
        """Close everything."""
        if self._thread:
            self._thread.run(self._close())
            self._thread.stop()
            self._thread = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_exception):
        self.stop()

    async def _close(self):
        self._server.close()
        await self._server.wait_closed()
