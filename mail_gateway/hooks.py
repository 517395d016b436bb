"""What installing and uninstalling must not change: mailboxes that work, and mail that is needed still."""

import logging

from odoo.fields import Domain

_logger = logging.getLogger(__name__)


def post_init_hook(env):
    """Servers that exist already go on accepting any certificate, as core did: no mailbox stops."""
    env["fetchmail.server"].with_context(active_test=False, fetchmail_cron_running=True).search([]).write(
        {"verify_certificate": False}
    )


def uninstall_hook(env):
    """Give fetching back to core; nothing that is undelivered or kept goes with the table."""
    _keep_sources(env)
    _stop_starttls(env)
    _end_alerts(env)
    env["ir.config_parameter"].search([("key", "=like", "mail\\_gateway.%")]).unlink()


def _keep_sources(env):
    """Sources of what no record exists for yet, and those that a person keeps, become .eml attachments."""
    is_open = Domain("state", "in", ("received", "deferred", "held", "failed"))
    domain = Domain("source", "!=", False) & (is_open | Domain("keep_source", "=", True))
    ids = env["mail.inbound.message"].search(domain, order="id").ids
    for message_id in ids:
        _keep_source(env["mail.inbound.message"].browse(message_id))  # nothing that would be read ahead
        env.invalidate_all()  # one source in memory at a time
    if ids:
        _logger.warning("%s undelivered or kept messages stay as .eml attachments", len(ids))


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
    """Core knows no STARTTLS and would send the password in the clear: somebody has to confirm such a server anew."""
    servers = env["fetchmail.server"].search(
        [("is_starttls", "=", True), ("is_ssl", "=", False), ("state", "=", "done")]
    )
    if servers:
        servers.with_context(fetchmail_cron_running=True).set_draft()
        _logger.warning(
            "No longer confirmed, since they are encrypted by STARTTLS: %s", ", ".join(servers.mapped("name"))
        )


def _end_alerts(env):
    """What nobody could finish any more; core would make to-dos of it."""
    activities = env["mail.activity"].with_context(active_test=False)
    for name in ("held", "server", "notices"):
        if kind := env.ref(f"mail_gateway.mail_activity_type_{name}", raise_if_not_found=False):
            activities.search([("activity_type_id", "=", kind.id)]).unlink()
