"""Mail Gateway: mail that is neither lost nor doubled, and that says why. Start reading in docs/ARCHITECTURE.md."""

from . import controllers, models, wizards
from .hooks import post_init_hook, uninstall_hook
