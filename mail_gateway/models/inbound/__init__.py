"""Inbound messages: how Odoo stores and delivers them, and their outcomes; hooks in Odoo's own gateway.

Start reading in mail_inbound_message_delivery.py. OVERRIDES in tests/test_overrides.py lists which override runs first.
"""

from . import (
    mail_inbound_message_id_lock,
    mail_inbound_message,
    mail_inbound_message_source,
    mail_inbound_message_store,
    mail_inbound_message_retention,
    mail_inbound_message_duplicates,
    mail_inbound_message_defects,
    mail_inbound_search,
    mail_inbound_message_next_due,
    mail_inbound_message_delivery,
    mail_inbound_message_headers_only,
    mail_inbound_message_outcome,
    mail_inbound_message_call,
    mail_inbound_message_lanes,
    mail_thread_call,
    mail_thread_content,
    mail_thread_people,
    mail_thread,
    mail_thread_notice,
    mail_thread_note,
    mail_message,
    mail_mail,
    mail_alias,
)
