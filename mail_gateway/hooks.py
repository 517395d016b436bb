"""Hooks: an installation stops no working mailbox, and an uninstallation loses no message that is still needed."""

import logging

from odoo.fields import Domain

_logger = logging.getLogger(__name__)


def post_init_hook(env):
    """Let existing servers accept any certificate, as in core, so that no mailbox stops working."""
    env["fetchmail.server"].with_context(active_test=False, fetchmail_cron_running=True).search([]).write(
        {"verify_certificate": False}
    )


def uninstall_hook(env):
    """Give fetching back to core, and keep the messages that are undelivered or marked to be kept."""
    _keep_sources(env)
    _stop_starttls(env)
    _end_alerts(env)
    env["ir.config_parameter"].search([("key", "=like", "mail\\_gateway.%")]).unlink()


def _keep_sources(env):
    """Turn the sources of undelivered messages, and those that a person keeps, into .eml attachments."""
    is_open = Domain("state", "in", ("received", "deferred", "held", "failed"))
    domain = Domain("source", "!=", False) & (is_open | Domain("keep_source", "=", True))
    ids = env["mail.inbound.message"].search(domain, order="id").ids
    for message_id in ids:
        _keep_source(env["mail.inbound.message"].browse(message_id))  # alone, so that no other source is prefetched
        env.invalidate_all()  # only one source in memory at a time
    if ids:
        _logger.warning("Undelivered or kept messages that stay as .eml attachments: %s", len(ids))


def _keep_source(message):
    is_kept = message.state in ("delivered", "rejected", "discarded")
    what = "Kept by a person when" if is_kept else "Undelivered when"
    message.env["ir.attachment"].create(
        {
            "name": message.source_filename,
            "raw": message._source_bytes(),
            "mimetype": "message/rfc822",
            "description": f"{what} mail_gateway was uninstalled ({message.state}). {message.reason or ''}",
            "res_model": "fetchmail.server" if message.server_id else False,
            "res_id": message.server_id.id,
        }
    )


def _stop_starttls(env):
    """Set servers that use STARTTLS to not confirmed: core does not know it and would send the password unencrypted."""
    servers = env["fetchmail.server"].search(
        [("is_starttls", "=", True), ("is_ssl", "=", False), ("state", "=", "done")]
    )
    if servers:
        servers.with_context(fetchmail_cron_running=True).set_draft()
        _logger.warning(
            "Incoming mail servers that have to be confirmed again, since they used STARTTLS: %s",
            ", ".join(servers.mapped("name")),
        )


def _end_alerts(env):
    """Delete the alert activities, because core would turn them into to-dos that Odoo never marks as done."""
    activities = env["mail.activity"].with_context(active_test=False)
    for name in ("held", "server", "notices"):
        if kind := env.ref(f"mail_gateway.mail_activity_type_{name}", raise_if_not_found=False):
            activities.search([("activity_type_id", "=", kind.id)]).unlink()
