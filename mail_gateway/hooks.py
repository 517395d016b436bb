"""What installing and uninstalling must not change: mailboxes that work, and mail that is not delivered yet."""

import logging

_logger = logging.getLogger(__name__)


def post_init_hook(env):
    """Servers that exist already go on accepting any certificate, as core did: no mailbox stops."""
    env["fetchmail.server"].with_context(active_test=False, fetchmail_cron_running=True).search([]).write(
        {"verify_certificate": False}
    )


def uninstall_hook(env):
    """Keep what no record exists for yet, as .eml attachments, and remove our own parameters."""
    open_states = ("received", "deferred", "held", "failed")
    messages = env["mail.inbound.message"].search([("state", "in", open_states), ("source", "!=", False)])
    for message in messages:
        env["ir.attachment"].create(
            {
                "name": message.source_filename,
                "datas": message.source,
                "mimetype": "message/rfc822",
                "description": f"Undelivered when mail_gateway was uninstalled ({message.state}). {message.reason or ''}",
                "res_model": "fetchmail.server" if message.server_id else False,
                "res_id": message.server_id.id,
            }
        )
        env.invalidate_all()  # one source in memory at a time
    if messages:
        _logger.warning("%s undelivered messages are kept as .eml attachments", len(messages))
    env["ir.config_parameter"].search([("key", "=like", "mail\\_gateway.%")]).unlink()
